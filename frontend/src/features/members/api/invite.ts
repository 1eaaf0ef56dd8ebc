/** Invites an address by mail; the link is valid for seven days. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Role } from "@/lib/types";

export function useInvite(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (person: { email: string; role: Role }) =>
      api.POST("/api/v1/tenants/{tenant}/invitations", { params: { path: { tenant } }, body: person }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.invitations(tenant) }),
  });
}
