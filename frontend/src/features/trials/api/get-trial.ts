/** The trial of a task that is running, with its figures as they come. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { askAgainEach } from "@/lib/ask-again";
import { queryKeys } from "@/lib/query-keys";

const whileRunningMs = 5_000;

export function useTrial(tenant: string, task: string) {
  return useQuery({
    queryKey: queryKeys.trial(tenant, task),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/tasks/{task}/trials/current", {
          params: { path: { tenant, task } },
        }),
      ),
    refetchInterval: askAgainEach(whileRunningMs, () => true),
  });
}
