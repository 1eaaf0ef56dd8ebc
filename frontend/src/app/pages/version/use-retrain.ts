/** Corrects the data that a version was trained on and trains the task anew, in the way of that version. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";

import { correctDataset, readyDataset } from "@/features/corrections/api/correct-dataset";
import { useCreateTraining } from "@/features/trainings/api/create-training";
import { getTraining } from "@/features/trainings/api/get-training";
import { queryKeys } from "@/lib/query-keys";
import type { Correction, Training, Version } from "@/lib/types";

export function useRetrain(tenant: string, task: string) {
  const client = useQueryClient();
  const create = useCreateTraining(tenant, task);
  // When only the training was refused, the next try takes the version of the data that was made already.
  const made = useRef<{ from: string; dataset: string }>(null);

  async function corrected(dataset: string, corrections: Correction[]): Promise<string> {
    const from = JSON.stringify([dataset, corrections]);
    if (made.current?.from !== from) {
      made.current = { from, dataset: (await correctDataset(tenant, dataset, corrections)).id };
      void client.invalidateQueries({ queryKey: queryKeys.datasets(tenant) });
    }
    return (await readyDataset(tenant, made.current.dataset)).id;
  }

  return useMutation({
    mutationFn: async (from: { version: Version; corrections: Correction[] }): Promise<Training> => {
      // An imported version was trained elsewhere: then the default recipe is as good as any.
      const { training } = from.version;
      const recipe = training === null ? {} : (await getTraining(tenant, training)).recipe;
      const dataset = await corrected(from.version.dataset ?? "", from.corrections);
      return create.mutateAsync({ dataset, recipe });
    },
  });
}
