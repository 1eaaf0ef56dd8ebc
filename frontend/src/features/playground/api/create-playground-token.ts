/** A key for one task that ends by itself after some minutes. */

import { api, body } from "@/lib/api";
import type { PlaygroundToken } from "@/lib/types";

export async function createPlaygroundToken(tenant: string, task: string): Promise<PlaygroundToken> {
  return body(
    await api.POST("/api/v1/tenants/{tenant}/playground-token", {
      params: { path: { tenant } },
      body: { task },
    }),
  );
}
