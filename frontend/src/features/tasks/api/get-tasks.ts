/** A page of a tenant's tasks with the state of each. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

import { isBusy } from "../state";

const whileBusyMs = 3_000;

export function useTasks(tenant: string, page: number) {
  return useQuery({
    queryKey: [...queryKeys.tasks(tenant), page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks", { params: { path: { tenant }, query: { page } } }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.results.some(isBusy) ? whileBusyMs : false),
  });
}
