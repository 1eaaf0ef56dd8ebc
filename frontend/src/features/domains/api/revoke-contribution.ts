/** Ends a consent: the shared domain forgets what the dataset brought. Answers the receipt. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Deletion } from "@/lib/types";

export function useRevokeContribution(tenant: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (): Promise<Deletion> =>
      body(
        await api.DELETE("/api/v1/tenants/{tenant}/contributions/{contribution}", {
          params: { path: { tenant, contribution: id } },
        }),
      ),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.contributions(tenant) }),
        client.invalidateQueries({ queryKey: queryKeys.deletions(tenant) }),
      ]),
  });
}
