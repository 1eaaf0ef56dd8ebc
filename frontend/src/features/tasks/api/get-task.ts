/** One task with its latest training and its deployment. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

import { isBusy } from "../state";

const whileBusyMs = 2_000;

export function useTask(tenant: string, task: string) {
  return useQuery({
    queryKey: queryKeys.task(tenant, task),
    queryFn: async () =>
      body(await api.GET("/api/v1/tenants/{tenant}/tasks/{task}", { params: { path: { tenant, task } } })),
    refetchInterval: ({ state }) => (state.data && isBusy(state.data) ? whileBusyMs : false),
  });
}
