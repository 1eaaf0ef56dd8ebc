/** A page of a domain's updates, newest first; asked for again while one is under way. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { DomainUpdate } from "@/lib/types";

const whileUnderWayMs = 2_000;

export function isUnderWay({ state }: DomainUpdate): boolean {
  return state === "queued" || state === "running";
}

export function useUpdates(tenant: string, domain: string, page: number) {
  return useQuery({
    queryKey: [...queryKeys.domain(tenant, domain), "updates", page],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/tenants/{tenant}/domains/{domain}/updates", {
          params: { path: { tenant, domain }, query: { page } },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.results.some(isUnderWay) ? whileUnderWayMs : false),
  });
}
