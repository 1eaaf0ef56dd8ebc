/** Ends the current deployment: the task answers no more predictions. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useUndeploy(tenant: string, task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.DELETE("/api/v1/tenants/{tenant}/tasks/{task}/deployments/current", {
        params: { path: { tenant, task } },
      }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.task(tenant, task) }),
        client.invalidateQueries({ queryKey: queryKeys.tasks(tenant) }),
      ]),
  });
}
