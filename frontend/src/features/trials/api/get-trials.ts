/** A page of a task's trials, newest first. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useTrials(tenant: string, task: string, page = 1) {
  return useQuery({
    queryKey: [...queryKeys.trial(tenant, task), "page", page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/trials", {
          params: { path: { tenant, task }, query: { page } },
        }),
      ),
    placeholderData: keepPreviousData,
  });
}
