/** What the tenant may use, and has used of it in this period. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useAllowance(tenant: string) {
  return useQuery({
    queryKey: [...queryKeys.usage(tenant), "allowance"],
    queryFn: async () =>
      body(await api.GET("/api/v1/tenants/{tenant}/usage/allowance", { params: { path: { tenant } } })),
  });
}
