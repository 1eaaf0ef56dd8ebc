/** A page of the tenant's deletions with their receipts; asked for again until each is complete. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

const untilForgottenMs = 5_000;

export function useDeletions(tenant: string, page: number) {
  return useQuery({
    queryKey: [...queryKeys.deletions(tenant), page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/deletions", {
          params: { path: { tenant }, query: { page } },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.results.some(({ forgotten_at }) => forgotten_at === null) ? untilForgottenMs : false,
  });
}
