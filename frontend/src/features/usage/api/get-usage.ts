/** What a tenant's tasks were used in the last days, per task and day. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useUsage(tenant: string, days: number) {
  return useQuery({
    queryKey: [...queryKeys.usage(tenant), days],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/usage", { params: { path: { tenant }, query: { days } } }),
      ),
    placeholderData: keepPreviousData,
  });
}
