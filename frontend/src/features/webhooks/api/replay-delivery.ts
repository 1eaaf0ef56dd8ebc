/** Sends the event of a delivery once more, or, of one that waits to be tried again, tries it now. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useReplayDelivery(tenant: string, webhook: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (delivery: string) =>
      api.POST("/api/v1/tenants/{tenant}/webhooks/{webhook}/deliveries/{delivery}/replay", {
        params: { path: { tenant, webhook, delivery } },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.deliveries(tenant, webhook) }),
  });
}
