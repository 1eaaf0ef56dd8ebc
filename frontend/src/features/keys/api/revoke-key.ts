/** Revokes an API key: it stops working within seconds. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useRevokeKey(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      api.DELETE("/api/v1/tenants/{tenant}/keys/{key}", { params: { path: { tenant, key: id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.keys(tenant) }),
  });
}
