/** Creates a tenant, whose owner becomes whoever is signed in. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Tenant } from "@/lib/types";

export function useCreateTenant() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (name: string): Promise<Tenant> =>
      body(await api.POST("/api/v1/tenants", { body: { name } })),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.me }),
  });
}
