/** Gives a webhook a new signing secret, which is shown once; the old one signs too for a day. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { WebhookCreated } from "@/lib/types";

export function useRotateSecret(tenant: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    // The secret must not stay in memory longer than it is shown.
    gcTime: 0,
    mutationFn: async (): Promise<WebhookCreated> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/webhooks/{webhook}/rotate", {
          params: { path: { tenant, webhook: id } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.webhooks(tenant) }),
  });
}
