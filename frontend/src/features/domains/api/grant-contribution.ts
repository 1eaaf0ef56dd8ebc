/** Lets a dataset's n-grams enter a shared domain. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useGrantContribution(tenant: string, domain: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (dataset: string) =>
      api.POST("/api/v1/tenants/{tenant}/contributions", {
        params: { path: { tenant } },
        body: { domain, dataset },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.contributions(tenant) }),
  });
}
