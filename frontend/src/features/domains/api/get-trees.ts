/** A page of a domain's tree versions, newest first. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useTrees(tenant: string, domain: string, page: number) {
  return useQuery({
    queryKey: [...queryKeys.domain(tenant, domain), "trees", page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/domains/{domain}/trees", {
          params: { path: { tenant, domain }, query: { page } },
        }),
      ),
    placeholderData: keepPreviousData,
  });
}
