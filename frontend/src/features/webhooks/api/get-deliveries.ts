/** A page of what was sent to a webhook in the last 30 days, newest event first; asked for again, the sooner while some wait. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Delivery } from "@/lib/types";

const whilePendingMs = 3_000;
const otherwiseMs = 15_000;

export type DeliveryState = Delivery["state"];

export function useDeliveries(tenant: string, webhook: string, page: number, state: DeliveryState | null) {
  return useQuery({
    queryKey: [...queryKeys.deliveries(tenant, webhook), page, state],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/webhooks/{webhook}/deliveries", {
          params: { path: { tenant, webhook }, query: state === null ? { page } : { page, state } },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: asked }) =>
      asked.data?.results.some((delivery) => delivery.state === "pending") ? whilePendingMs : otherwiseMs,
  });
}
