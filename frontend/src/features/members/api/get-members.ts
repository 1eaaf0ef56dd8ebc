/** A page of the people of a tenant. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useMembers(tenant: string, page: number) {
  return useQuery({
    queryKey: [...queryKeys.members(tenant), page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/members", { params: { path: { tenant }, query: { page } } }),
      ),
    placeholderData: keepPreviousData,
  });
}
