/** A page of what was sent to a webhook in the last 30 days, newest event first; asked for again while some wait. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

const whilePendingMs = 3_000;

export function useDeliveries(tenant: string, webhook: string, page: number) {
  return useQuery({
    queryKey: [...queryKeys.deliveries(tenant, webhook), page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/webhooks/{webhook}/deliveries", {
          params: { path: { tenant, webhook }, query: { page } },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.results.some((delivery) => delivery.state === "pending") ? whilePendingMs : false,
  });
}
