/** Which domain a dataset's text is like; asked for until it has been measured. Null where nothing was. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { ApiError } from "@/lib/api-error";
import { queryKeys } from "@/lib/query-keys";
import type { Suggestion } from "@/lib/types";

const whileMeasuredMs = 1_500;

async function getSuggestion(tenant: string, dataset: string): Promise<Suggestion | null> {
  try {
    return body(
      await api.GET("/api/v1/tenants/{tenant}/datasets/{dataset}/suggestion", {
        params: { path: { tenant, dataset } },
      }),
    );
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export function isMeasuring(suggestion: Suggestion | null | undefined): boolean {
  return suggestion?.state === "queued" || suggestion?.state === "running";
}

export function useSuggestion(tenant: string, dataset: string) {
  return useQuery({
    queryKey: queryKeys.suggestion(tenant, dataset),
    queryFn: () => getSuggestion(tenant, dataset),
    refetchInterval: ({ state }) => (isMeasuring(state.data) ? whileMeasuredMs : false),
  });
}
