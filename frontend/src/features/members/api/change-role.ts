/** Gives a member another role; the last owner stays one. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Member, Role } from "@/lib/types";

export function useChangeRole(tenant: string, member: Member) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (role: Role) =>
      api.PUT("/api/v1/tenants/{tenant}/members/{member}", {
        params: { path: { tenant, member: member.id } },
        body: { role },
      }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.members(tenant) }),
        client.invalidateQueries({ queryKey: queryKeys.me }),
      ]),
  });
}
