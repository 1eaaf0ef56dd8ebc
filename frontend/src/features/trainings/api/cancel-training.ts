/** Asks a training to stop. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useCancelTraining(tenant: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.POST("/api/v1/tenants/{tenant}/trainings/{training}/cancel", {
        params: { path: { tenant, training: id } },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.training(tenant, id) }),
  });
}
