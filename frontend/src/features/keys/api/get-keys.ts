/** A tenant's API keys, without their secrets. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useKeys(tenant: string, page = 1) {
  return useQuery({
    queryKey: [...queryKeys.keys(tenant), page],
    queryFn: async () =>
      body(await api.GET("/api/v1/tenants/{tenant}/keys", { params: { path: { tenant }, query: { page } } })),
    placeholderData: keepPreviousData,
  });
}
