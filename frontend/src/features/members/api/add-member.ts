/** Adds a person who has an account, by e-mail address. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Role } from "@/lib/types";

export function useAddMember(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (person: { email: string; role: Role }) =>
      api.POST("/api/v1/tenants/{tenant}/members", { params: { path: { tenant } }, body: person }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.members(tenant) }),
  });
}
