/** Some rows of a dataset as they were read. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDatasetRows(tenant: string, id: string, offset: number, limit: number) {
  return useQuery({
    queryKey: [...queryKeys.dataset(tenant, id), "rows", offset, limit],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/datasets/{dataset}/rows", {
          params: { path: { tenant, dataset: id }, query: { offset, limit } },
        }),
      ),
    placeholderData: keepPreviousData,
    // Rows of a dataset never change.
    staleTime: Infinity,
  });
}
