/** All versions of one upload, newest first. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Dataset } from "@/lib/types";

export function useDatasetVersions(tenant: string, { id, series }: Dataset) {
  return useQuery({
    queryKey: queryKeys.datasetVersions(tenant, series),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/datasets/{dataset}/versions", {
          params: { path: { tenant, dataset: id } },
        }),
      ),
  });
}
