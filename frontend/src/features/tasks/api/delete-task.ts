/** Deletes a task; applications that call it get "not found" from then on. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useDeleteTask(tenant: string, task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.DELETE("/api/v1/tenants/{tenant}/tasks/{task}", { params: { path: { tenant, task } } }),
    onSuccess: () => {
      client.removeQueries({ queryKey: queryKeys.task(tenant, task) });
      return client.invalidateQueries({ queryKey: queryKeys.tasks(tenant) });
    },
  });
}
