/** The domains a task may use: the tenant's own and the shared ones. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDomains(tenant: string) {
  return useQuery({
    queryKey: queryKeys.domains(tenant),
    queryFn: async () =>
      body(await api.GET("/api/v1/tenants/{tenant}/domains", { params: { path: { tenant } } })),
  });
}
