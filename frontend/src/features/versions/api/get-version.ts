/** One version with its report; null asks for none. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useVersion(tenant: string, task: string, number: number | null) {
  return useQuery({
    queryKey: [...queryKeys.versions(tenant, task), number],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/versions/{number}", {
          params: { path: { tenant, task, number: number ?? 0 } },
        }),
      ),
    enabled: number !== null,
  });
}
