/** Files of which bytes are still missing. */

import { useIsMutating, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useUploads(tenant: string) {
  return useQuery({
    queryKey: queryKeys.uploads(tenant),
    queryFn: async () =>
      body(await api.GET("/api/v1/tenants/{tenant}/uploads", { params: { path: { tenant } } })),
  });
}

/** Whether this page is sending one of them right now. */
export function useIsSending(tenant: string): boolean {
  return useIsMutating({ mutationKey: queryKeys.uploads(tenant) }) > 0;
}
