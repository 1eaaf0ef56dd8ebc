/** One delivery with what its event says. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDelivery(tenant: string, webhook: string, delivery: string) {
  return useQuery({
    queryKey: [...queryKeys.deliveries(tenant, webhook), "one", delivery],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/webhooks/{webhook}/deliveries/{delivery}", {
          params: { path: { tenant, webhook, delivery } },
        }),
      ),
  });
}
