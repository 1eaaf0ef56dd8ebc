/** A tenant's webhooks. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

const mostAtOnce = 200;

export function useWebhooks(tenant: string) {
  return useQuery({
    queryKey: queryKeys.webhooks(tenant),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/webhooks", {
          params: { path: { tenant }, query: { page_size: mostAtOnce } },
        }),
      ),
  });
}
