/** Sets a training aside at a checkpoint, or goes on with it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Training } from "@/lib/types";

export function usePauseTraining(tenant: string, { id, task, state }: Training) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => {
      const params = { path: { tenant, training: id } };
      return state === "paused"
        ? api.POST("/api/v1/tenants/{tenant}/trainings/{training}/resume", { params })
        : api.POST("/api/v1/tenants/{tenant}/trainings/{training}/pause", { params });
    },
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.training(tenant, id) }),
        client.invalidateQueries({ queryKey: queryKeys.task(tenant, task), exact: true }),
      ]),
  });
}
