/** Sends an invitation again with a new link; the old link ends. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useResendInvitation(tenant: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.POST("/api/v1/tenants/{tenant}/invitations/{invitation}/resend", {
        params: { path: { tenant, invitation: id } },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.invitations(tenant) }),
  });
}
