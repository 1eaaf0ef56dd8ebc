/** Live texts of the version that serves against those that it was tested on. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export const driftDays = 7;

export function useDrift(tenant: string, task: string) {
  return useQuery({
    queryKey: queryKeys.drift(tenant, task),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/drift", {
          params: { path: { tenant, task }, query: { days: driftDays } },
        }),
      ),
  });
}
