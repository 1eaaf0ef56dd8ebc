/** Makes a webhook; the answer holds its signing secret, which is never shown again. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { WebhookCreated, WebhookEvent } from "@/lib/types";

export interface NewWebhook {
  name: string;
  url: string;
  events: WebhookEvent[];
}

export function useCreateWebhook(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    // The secret must not stay in memory longer than it is shown.
    gcTime: 0,
    mutationFn: async (webhook: NewWebhook): Promise<WebhookCreated> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/webhooks", { params: { path: { tenant } }, body: webhook }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.webhooks(tenant) }),
  });
}
