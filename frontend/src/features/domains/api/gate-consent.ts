/** Whether held-out rows of a task are used to try new trees on, and changing that. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useGateConsent(tenant: string, task: string) {
  return useQuery({
    queryKey: queryKeys.gateConsent(tenant, task),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/gate-consent", {
          params: { path: { tenant, task } },
        }),
      ),
  });
}

export function useSetGateConsent(tenant: string, task: string) {
  const client = useQueryClient();
  const params = { path: { tenant, task } };
  return useMutation({
    mutationFn: async (isGiven: boolean) => {
      if (isGiven) await api.PUT("/api/v1/tenants/{tenant}/tasks/{task}/gate-consent", { params });
      else await api.DELETE("/api/v1/tenants/{tenant}/tasks/{task}/gate-consent", { params });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.gateConsent(tenant, task) }),
  });
}
