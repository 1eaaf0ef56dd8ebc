/** Which domain a dataset's text is like; asked for until it has been measured. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { api, body } from "@/lib/api";
import { ApiError } from "@/lib/api-error";
import { queryKeys } from "@/lib/query-keys";
import type { Suggestion } from "@/lib/types";

const whileMeasuredMs = 2_000;
/** Questions after which it is left at that: measuring begins some seconds after the upload, and may never. */
const maxQuestions = 60;

/** Null: it has not begun yet. */
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

/** Whether there may be an answer soon. */
function isMeasuring(suggestion: Suggestion | null | undefined): boolean {
  return !suggestion || suggestion.state === "queued" || suggestion.state === "running";
}

export function useSuggestion(tenant: string, dataset: string) {
  const query = useQuery({
    queryKey: queryKeys.suggestion(tenant, dataset),
    queryFn: () => getSuggestion(tenant, dataset),
    refetchInterval: ({ state }) =>
      isMeasuring(state.data) && state.dataUpdateCount < maxQuestions ? whileMeasuredMs : false,
  });
  const { data } = query;
  const [isGivenUp, setIsGivenUp] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsGivenUp(true), maxQuestions * whileMeasuredMs);
    return () => clearTimeout(timer);
  }, [dataset]);
  return {
    suggestion: data ?? null,
    isMeasuring: !query.isError && !isGivenUp && isMeasuring(data),
  };
}
