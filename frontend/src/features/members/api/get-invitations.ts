/** Invitations that have not been accepted yet. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

const mostAtOnce = 200;

export function useInvitations(tenant: string) {
  return useQuery({
    queryKey: queryKeys.invitations(tenant),
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/invitations", {
          params: { path: { tenant }, query: { page_size: mostAtOnce } },
        }),
      ),
  });
}
