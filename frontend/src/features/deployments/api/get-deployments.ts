/** What has served when, newest first. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDeployments(tenant: string, task: string) {
  return useQuery({
    queryKey: queryKeys.deployments(tenant, task),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/deployments", {
          params: { path: { tenant, task } },
        }),
      ),
  });
}
