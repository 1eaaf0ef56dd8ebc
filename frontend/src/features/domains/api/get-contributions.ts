/** What the tenant's datasets give to shared domains, ended consents too. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

const mostAtOnce = 200;

export function useContributions(tenant: string) {
  return useQuery({
    queryKey: queryKeys.contributions(tenant),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/contributions", {
          params: { path: { tenant }, query: { page_size: mostAtOnce } },
        }),
      ),
  });
}
