/** Makes a key in place of another; the answer holds its secret, which is never shown again. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { ApiKeyCreated } from "@/lib/types";

export function useRotateKey(tenant: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    // The secret must not stay in memory longer than it is shown.
    gcTime: 0,
    /** `graceS`: seconds for which the old key goes on working. */
    mutationFn: async (graceS: number): Promise<ApiKeyCreated> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/keys/{key}/rotate", {
          params: { path: { tenant, key: id } },
          body: { grace_s: graceS },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.keys(tenant) }),
  });
}
