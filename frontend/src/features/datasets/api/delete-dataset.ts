/** Deletes a dataset and its files. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDeleteDataset(tenant: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.DELETE("/api/v1/tenants/{tenant}/datasets/{dataset}", {
        params: { path: { tenant, dataset: id } },
      }),
    onSuccess: () => {
      client.removeQueries({ queryKey: queryKeys.dataset(tenant, id) });
      return client.invalidateQueries({ queryKey: queryKeys.datasets(tenant) });
    },
  });
}
