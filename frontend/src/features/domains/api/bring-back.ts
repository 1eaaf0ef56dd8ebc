/** Lets a domain's tasks go back, for a week, to the tree before the newest. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useBringBack(tenant: string, domain: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.POST("/api/v1/tenants/{tenant}/domains/{domain}/bring-back", {
        params: { path: { tenant, domain } },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.domain(tenant, domain) }),
  });
}
