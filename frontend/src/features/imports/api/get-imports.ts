/** A page of a task's imports, newest first; asked for each second while one is under way. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

import { isUnderWay } from "../state";

const whileUnderWayMs = 1_000;

export function useImports(tenant: string, task: string, page = 1) {
  return useQuery({
    queryKey: [...queryKeys.imports(tenant, task), page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/imports", {
          params: { path: { tenant, task }, query: { page } },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.results.some(isUnderWay) ? whileUnderWayMs : false),
  });
}
