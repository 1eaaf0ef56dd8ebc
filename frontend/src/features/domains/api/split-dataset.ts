/** Makes a dataset of each part of a suggested split. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useSplitDataset(tenant: string, dataset: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/datasets/{dataset}/suggestion/split", {
          params: { path: { tenant, dataset } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.datasets(tenant) }),
  });
}
