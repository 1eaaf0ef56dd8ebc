/** All of a tenant's datasets, newest first, to choose from. */

import { useQuery } from "@tanstack/react-query";

import { allPages } from "@/lib/all-pages";
import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useAllDatasets(tenant: string, isWanted = true) {
  return useQuery({
    enabled: isWanted,
    queryKey: [...queryKeys.datasets(tenant), "all"],
    queryFn: () =>
      allPages(async (query) =>
        body(await api.GET("/api/v1/tenants/{tenant}/datasets", { params: { path: { tenant }, query } })),
      ),
  });
}
