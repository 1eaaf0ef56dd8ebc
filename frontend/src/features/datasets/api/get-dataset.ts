/** One dataset with its labels and the server's findings. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDataset(tenant: string, id: string) {
  return useQuery({
    queryKey: queryKeys.dataset(tenant, id),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/datasets/{dataset}", {
          params: { path: { tenant, dataset: id } },
        }),
      ),
  });
}
