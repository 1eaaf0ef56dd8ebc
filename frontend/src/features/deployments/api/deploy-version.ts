/** Lets a version serve; the one before is kept, so that deploying it again is the way back. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDeployVersion(tenant: string, task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (version: number) =>
      api.POST("/api/v1/tenants/{tenant}/tasks/{task}/deployments", {
        params: { path: { tenant, task } },
        body: { version },
      }),
    onSuccess: () =>
      Promise.all([
        // The task's own key is the beginning of its deployments' and versions' keys.
        client.invalidateQueries({ queryKey: queryKeys.task(tenant, task) }),
        client.invalidateQueries({ queryKey: queryKeys.tasks(tenant) }),
      ]),
  });
}
