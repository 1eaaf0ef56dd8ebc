/** One dataset with the doctor's report; asked for each second until it has been examined. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { askAgainEach } from "@/lib/ask-again";
import { queryKeys } from "@/lib/query-keys";

const whileExaminedMs = 1_000;

export function useDataset(tenant: string, id: string) {
  return useQuery({
    queryKey: queryKeys.dataset(tenant, id),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/datasets/{dataset}", {
          params: { path: { tenant, dataset: id } },
        }),
      ),
    refetchInterval: askAgainEach(whileExaminedMs, (dataset) => !dataset || dataset.state === "checking"),
  });
}
