/** A page of a task's trainings, newest first. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useTrainings(tenant: string, task: string, page = 1) {
  return useQuery({
    queryKey: [...queryKeys.trainings(tenant, task), page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/trainings", {
          params: { path: { tenant, task }, query: { page } },
        }),
      ),
    placeholderData: keepPreviousData,
  });
}
