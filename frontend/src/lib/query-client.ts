/** How answers are kept and when questions are asked again. */

import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";

import { ApiError, isTransient } from "@/lib/api-error";
import { queryKeys } from "@/lib/query-keys";

const maxRetries = 2;

/** A client whose queries retry only where that can help, and which forgets the person when the session has ended. */
export function createQueryClient(): QueryClient {
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: signOutOn401 }),
    mutationCache: new MutationCache({ onError: signOutOn401 }),
    defaultOptions: {
      queries: {
        retry: (numFailures, error) => isTransient(error) && numFailures < maxRetries,
        staleTime: 5_000,
      },
      // A change is sent even while the browser believes to be offline: its error tells more than waiting would.
      mutations: { networkMode: "always" },
    },
  });

  function signOutOn401(error: unknown): void {
    const sessionEnded =
      error instanceof ApiError && error.status === 401 && error.code === "unauthenticated";
    if (sessionEnded) client.setQueryData(queryKeys.me, null);
  }

  return client;
}
