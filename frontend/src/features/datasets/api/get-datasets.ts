/** A page of a tenant's datasets, newest first. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDatasets(tenant: string, page = 1) {
  return useQuery({
    queryKey: [...queryKeys.datasets(tenant), page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/datasets", { params: { path: { tenant }, query: { page } } }),
      ),
    placeholderData: keepPreviousData,
  });
}
