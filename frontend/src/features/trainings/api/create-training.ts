/** Starts a training of a task on a dataset. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Training } from "@/lib/types";

export interface NewTraining {
  dataset: string;
  /** What differs from the default. */
  recipe?: Training["recipe"];
}

export function useCreateTraining(tenant: string, task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (training: NewTraining): Promise<Training> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/tasks/{task}/trainings", {
          params: { path: { tenant, task } },
          body: training,
        }),
      ),
    onSuccess: (training) => {
      client.setQueryData(queryKeys.training(tenant, training.id), training);
      return Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.task(tenant, task) }),
        client.invalidateQueries({ queryKey: queryKeys.tasks(tenant) }),
      ]);
    },
  });
}
