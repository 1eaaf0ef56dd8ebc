/** Starts a training of a task on a dataset. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Training } from "@/lib/types";

export interface NewTraining {
  dataset: string;
  /** Also train on computed lower layers, so that the report can say what PLOT costs. */
  compareComputed: boolean;
}

export function useCreateTraining(tenant: string, task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ dataset, compareComputed }: NewTraining): Promise<Training> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/tasks/{task}/trainings", {
          params: { path: { tenant, task } },
          body: { dataset, ...(compareComputed && { recipe: { compare_computed: true } }) },
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
