/** What a tenant's tasks were used in the last days, per task (or task and key) and day. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Usage } from "@/lib/types";

export type UsageBy = "task" | "key";

export function useUsage(tenant: string, days: number, by: UsageBy = "task") {
  return useQuery({
    queryKey: [...queryKeys.usage(tenant), days, by],
    queryFn: async () => {
      const query = { days, by, form: "json" as const };
      const { data } = await api.GET("/api/v1/tenants/{tenant}/usage", {
        params: { path: { tenant }, query },
      });
      // The schema cannot say that only form=csv answers with a file.
      return data as Usage;
    },
    placeholderData: keepPreviousData,
  });
}
