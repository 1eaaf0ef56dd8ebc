/** Deletes a tenant with all it has. Answers the receipt's beginning. */

import { useMutation } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import type { Deletion } from "@/lib/types";

export function useForgetTenant(tenant: string) {
  return useMutation({
    mutationFn: async (confirm: string): Promise<Deletion> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/forget", {
          params: { path: { tenant } },
          body: { confirm },
        }),
      ),
  });
}
