/** One training, asked for each second while it is under way. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { askAgainEach } from "@/lib/ask-again";
import { queryKeys } from "@/lib/query-keys";
import type { Training } from "@/lib/types";

import { isUnderWay } from "../state";

const whileUnderWayMs = 1_000;

export async function getTraining(tenant: string, id: string): Promise<Training> {
  return body(
    await api.GET("/api/v1/tenants/{tenant}/trainings/{training}", {
      params: { path: { tenant, training: id } },
    }),
  );
}

export function useTraining(tenant: string, id: string) {
  return useQuery({
    queryKey: queryKeys.training(tenant, id),
    queryFn: () => getTraining(tenant, id),
    refetchInterval: askAgainEach(whileUnderWayMs, (training) => !training || isUnderWay(training)),
  });
}
