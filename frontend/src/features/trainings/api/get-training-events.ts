/** The history of a training, for its curves. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Training } from "@/lib/types";

import { isUnderWay } from "../state";

const whileUnderWayMs = 2_000;

export function useTrainingEvents(tenant: string, training: Training) {
  return useQuery({
    // The state is part of the key: the last events are asked for once more when the training has ended.
    queryKey: [...queryKeys.training(tenant, training.id), "events", isUnderWay(training)],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/trainings/{training}/events", {
          params: { path: { tenant, training: training.id } },
        }),
      ),
    placeholderData: (previous) => previous,
    refetchInterval: isUnderWay(training) ? whileUnderWayMs : false,
  });
}
