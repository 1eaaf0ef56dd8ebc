/** Takes a person out of a tenant. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useRemoveMember(tenant: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.DELETE("/api/v1/tenants/{tenant}/members/{member}", { params: { path: { tenant, member: id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.members(tenant) }),
  });
}
