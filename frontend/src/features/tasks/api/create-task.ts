/** Creates a task; without a domain it gets one of its own. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Task, TaskKind } from "@/lib/types";

export interface NewTask {
  name: string;
  kind: TaskKind;
  domain?: string;
}

export function useCreateTask(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (content: NewTask): Promise<Task> =>
      body(await api.POST("/api/v1/tenants/{tenant}/tasks", { params: { path: { tenant } }, body: content })),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.tasks(tenant) }),
        client.invalidateQueries({ queryKey: queryKeys.domains(tenant) }),
      ]),
  });
}
