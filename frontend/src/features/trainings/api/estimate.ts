/** Asks what a training would take and give, and waits for the answer. */

import { useMutation, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import type { Estimate } from "@/lib/types";

import type { NewTraining } from "./create-training";

const whileUnderWayMs = 1_000;

export function useAskEstimate(tenant: string, task: string) {
  return useMutation({
    mutationFn: async (training: NewTraining): Promise<Estimate> =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/tasks/{task}/trainings/estimate", {
          params: { path: { tenant, task } },
          body: training,
        }),
      ),
  });
}

export function useEstimate(tenant: string, asked: Estimate) {
  return useQuery({
    queryKey: ["tenant", tenant, "estimate", asked.id],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/estimates/{estimate}", {
          params: { path: { tenant, estimate: asked.id } },
        }),
      ),
    initialData: asked,
    refetchInterval: ({ state: { data } }) =>
      data?.state === "queued" || data?.state === "running" ? whileUnderWayMs : false,
  });
}
