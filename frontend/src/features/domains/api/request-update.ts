/** Asks for a domain's tree to be made anew from all its segments. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useRequestUpdate(tenant: string, domain: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.POST("/api/v1/tenants/{tenant}/domains/{domain}/updates", {
        params: { path: { tenant, domain } },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.domain(tenant, domain) }),
  });
}
