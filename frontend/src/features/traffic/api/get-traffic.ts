/** What a task was asked, how quickly it answered and how much PLOT knew, by hour or day. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export type TrafficSpan = "hours" | "days";

const questions = {
  hours: { by: "hour", periods: 48 },
  days: { by: "day", periods: 30 },
} as const;
const staleMs = 60_000;

export function useTraffic(tenant: string, task: string, span: TrafficSpan) {
  return useQuery({
    queryKey: [...queryKeys.traffic(tenant, task), span],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/traffic", {
          params: { path: { tenant, task }, query: questions[span] },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: staleMs,
  });
}
