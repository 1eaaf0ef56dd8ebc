/** Tries a failed training again, from where it was. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Training } from "@/lib/types";

export function useRetryTraining(tenant: string, { id, task }: Training) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.POST("/api/v1/tenants/{tenant}/trainings/{training}/retry", {
        params: { path: { tenant, training: id } },
      }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: queryKeys.training(tenant, id) }),
        client.invalidateQueries({ queryKey: queryKeys.task(tenant, task), exact: true }),
      ]),
  });
}
