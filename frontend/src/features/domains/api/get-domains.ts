/** The domains that a tenant sees: its own and the shared ones. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

const mostAtOnce = 200;

export function useDomains(tenant: string) {
  return useQuery({
    queryKey: queryKeys.domains(tenant),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/domains", {
          params: { path: { tenant }, query: { page_size: mostAtOnce } },
        }),
      ),
  });
}

/** Whether the domain is a shared one; false until the answer is here. */
export function useIsDomainShared(tenant: string, domain: string): boolean {
  const domains = useDomains(tenant);
  return domains.data?.results.some(({ slug, is_shared }) => slug === domain && is_shared) ?? false;
}
