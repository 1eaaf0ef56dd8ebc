/** Creates an API key; the answer holds its secret, which is never shown again. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { ApiKeyCreated } from "@/lib/types";

export interface NewKey {
  name: string;
  scope: "predict" | "manage";
  task: string | null;
  expiresAt: string | null;
}

export function useCreateKey(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    // The secret must not stay in memory longer than it is shown.
    gcTime: 0,
    mutationFn: async ({ name, scope, task, expiresAt }: NewKey): Promise<ApiKeyCreated> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/keys", {
          params: { path: { tenant } },
          body: { name, scopes: [scope], task, expires_at: expiresAt },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.keys(tenant) }),
  });
}
