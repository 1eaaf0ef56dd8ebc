/** The history of a training, for its curves; while it grows, only what is new is asked for. */

import { useQuery, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Training, TrainingEvent } from "@/lib/types";

import { isUnderWay } from "../state";

const whileUnderWayMs = 2_000;
const pageSize = 200;

/** Events never change: full pages that are known already stay as they are. */
async function getEventsAfter(tenant: string, id: string, known: TrainingEvent[]): Promise<TrainingEvent[]> {
  let page = Math.floor(known.length / pageSize) + 1;
  let events = known.slice(0, (page - 1) * pageSize);
  for (;;) {
    const { results, next } = body(
      await api.GET("/api/v1/tenants/{tenant}/trainings/{training}/events", {
        params: { path: { tenant, training: id }, query: { page, page_size: pageSize } },
      }),
    );
    events = [...events, ...results];
    if (next === null) return events;
    page += 1;
  }
}

export function useTrainingEvents(tenant: string, training: Training) {
  const client = useQueryClient();
  const underWay = isUnderWay(training);
  const key = [...queryKeys.training(tenant, training.id), "events"];
  return useQuery({
    // Whether it is under way is part of the key: the end of the history is asked for once more when it has ended.
    queryKey: [...key, underWay],
    queryFn: () =>
      getEventsAfter(
        tenant,
        training.id,
        client.getQueryData<TrainingEvent[]>([...key, underWay]) ??
          client.getQueryData<TrainingEvent[]>([...key, true]) ??
          [],
      ),
    placeholderData: (previous) => previous,
    refetchInterval: underWay ? whileUnderWayMs : false,
  });
}
