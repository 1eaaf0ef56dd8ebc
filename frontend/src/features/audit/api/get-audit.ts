/** A page of what was changed in a tenant, newest first. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export interface AuditFilter {
  actor: string;
  action: string;
}

export function useAudit(tenant: string, { actor, action }: AuditFilter, page: number) {
  return useQuery({
    queryKey: [...queryKeys.audit(tenant), actor, action, page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/audit", {
          params: {
            path: { tenant },
            query: { page, ...(actor && { actor }), ...(action && { action }) },
          },
        }),
      ),
    placeholderData: keepPreviousData,
  });
}
