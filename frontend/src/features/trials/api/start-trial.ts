/** Tries a version beside the one that serves. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export interface NewTrial {
  version: number;
  kind: "shadow" | "canary";
  /** Of the requests, 0 to 1. */
  share: number;
  /** Whether the verdict is carried out by itself. */
  isAutomatic: boolean;
}

export function useStartTrial(tenant: string, task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ version, kind, share, isAutomatic }: NewTrial) =>
      api.POST("/api/v1/tenants/{tenant}/tasks/{task}/trials", {
        params: { path: { tenant, task } },
        body: {
          version,
          kind,
          share,
          is_automatic: isAutomatic,
          // The API's own defaults, which its schema makes required.
          min_texts: 500,
          min_agreement: 0.9,
        },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.task(tenant, task) }),
  });
}
