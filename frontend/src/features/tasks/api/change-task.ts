/** Renames a task, or sets from which share of known text on it is looked up. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Task } from "@/lib/types";

export interface TaskChange {
  name?: string;
  /** 0 to 1; null: everything is looked up. */
  coverage_floor?: number | null;
}

export function useChangeTask(tenant: string, task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (change: TaskChange): Promise<Task> =>
      body(
        await api.PATCH("/api/v1/tenants/{tenant}/tasks/{task}", {
          params: { path: { tenant, task } },
          body: change,
        }),
      ),
    onSuccess: (changed) => {
      client.setQueryData(queryKeys.task(tenant, task), changed);
      return client.invalidateQueries({ queryKey: queryKeys.tasks(tenant) });
    },
  });
}
