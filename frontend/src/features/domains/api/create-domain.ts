/** Makes a domain of the tenant's own, below a shared one or the general one. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Domain } from "@/lib/types";

export interface NewDomain {
  name: string;
  parentDomain?: string;
}

export function useCreateDomain(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ name, parentDomain }: NewDomain): Promise<Domain> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/domains", {
          params: { path: { tenant } },
          body: { name, ...(parentDomain && { parent_domain: parentDomain }) },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.domains(tenant) }),
  });
}
