/** Pauses a webhook or switches it on again, changes its name, address or events, sends it a ping, deletes it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { WebhookEvent } from "@/lib/types";

export type WebhookChange = "pause" | "resume" | "ping" | "delete" | WebhookFields;

export interface WebhookFields {
  name: string;
  url: string;
  events: WebhookEvent[];
}

export function useChangeWebhook(tenant: string, id: string) {
  const client = useQueryClient();
  const params = { path: { tenant, webhook: id } };
  return useMutation({
    mutationFn: async (change: WebhookChange) => {
      if (change === "delete") await api.DELETE("/api/v1/tenants/{tenant}/webhooks/{webhook}", { params });
      else if (change === "ping") {
        await api.POST("/api/v1/tenants/{tenant}/webhooks/{webhook}/ping", { params });
      } else {
        await api.PATCH("/api/v1/tenants/{tenant}/webhooks/{webhook}", {
          params,
          body: typeof change === "object" ? change : { is_active: change === "resume" },
        });
      }
    },
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.webhooks(tenant) }),
        client.invalidateQueries({ queryKey: queryKeys.deliveries(tenant, id) }),
      ]),
  });
}
