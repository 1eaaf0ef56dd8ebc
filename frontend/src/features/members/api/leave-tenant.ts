/** Gives up one's own place in a tenant. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useLeaveTenant(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.DELETE("/api/v1/tenants/{tenant}/members/me", { params: { path: { tenant } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.me }),
  });
}
