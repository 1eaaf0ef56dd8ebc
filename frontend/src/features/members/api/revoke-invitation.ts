/** Revokes an invitation: its link ends. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useRevokeInvitation(tenant: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.DELETE("/api/v1/tenants/{tenant}/invitations/{invitation}", {
        params: { path: { tenant, invitation: id } },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.invitations(tenant) }),
  });
}
