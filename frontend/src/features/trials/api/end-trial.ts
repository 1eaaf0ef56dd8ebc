/** Ends a trial: rolls the version on trial back, or deploys it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useEndTrial(tenant: string, task: string, how: "promote" | "roll back") {
  const client = useQueryClient();
  const params = { path: { tenant, task } };
  return useMutation({
    mutationFn: async () => {
      if (how === "promote") {
        await api.POST("/api/v1/tenants/{tenant}/tasks/{task}/trials/current/promote", { params });
      } else {
        await api.DELETE("/api/v1/tenants/{tenant}/tasks/{task}/trials/current", { params });
      }
    },
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.task(tenant, task) }),
        client.invalidateQueries({ queryKey: queryKeys.tasks(tenant) }),
      ]),
  });
}
