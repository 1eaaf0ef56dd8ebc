/** A page of what was changed in a tenant, newest first. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

import { endOf, startOf } from "../days";

export interface AuditFilter {
  actor: string;
  action: string;
  /** First and last day, as 2026-01-31 of the reader's calendar; empty: no bound. */
  from: string;
  to: string;
}

export function useAudit(tenant: string, { actor, action, from, to }: AuditFilter, page: number) {
  const [since, until] = [startOf(from), endOf(to)];
  return useQuery({
    queryKey: [...queryKeys.audit(tenant), actor, action, since, until, page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/audit", {
          params: {
            path: { tenant },
            query: {
              page,
              ...(actor && { actor }),
              ...(action && { action }),
              ...(since && { since }),
              ...(until && { until }),
            },
          },
        }),
      ),
    placeholderData: keepPreviousData,
  });
}
