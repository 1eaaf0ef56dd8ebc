/** Mends a dataset: the answer is its next version, which the server still has to examine. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Dataset } from "@/lib/types";

export interface Mending {
  /** Ids of fixes that the report offers. */
  fixes: string[];
  columns?: { text: string; label: string; pair?: string; has_header: boolean };
}

export function useFixDataset(tenant: string, dataset: Dataset) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (mending: Mending) =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/datasets/{dataset}/fixes", {
          params: { path: { tenant, dataset: dataset.id } },
          body: mending,
        }),
      ),
    onSuccess: (mended) => {
      client.setQueryData(queryKeys.dataset(tenant, mended.id), mended);
      return client.invalidateQueries({ queryKey: queryKeys.datasets(tenant) });
    },
  });
}
