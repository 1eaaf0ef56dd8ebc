/** How answers are kept and when questions are asked again. */

import { hashKey, MutationCache, type Query, QueryCache, QueryClient } from "@tanstack/react-query";

import { ApiError, isTransient } from "@/lib/api-error";
import { queryKeys } from "@/lib/query-keys";
import type { Me } from "@/lib/types";

const maxRetries = 2;
const [codeKey] = queryKeys.code("");

/**
 * A client whose queries retry only where that can help, and which forgets the person when the session has ended, and
 * what one person was answered when it is another who is signed in, be it in another tab.
 */
export function createQueryClient(): QueryClient {
  let lastPerson: string | null = null;
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: signOutOn401, onSuccess: forgetOthers }),
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

  function forgetOthers(data: unknown, query: Query<unknown, unknown>): void {
    if (!isWho(query)) return;
    const person = (data as Me | null)?.user.id;
    if (person === undefined) return;
    if (lastPerson !== null && lastPerson !== person) forgetAnswers(client);
    lastPerson = person;
  }

  return client;
}

/** Forgets what a person was answered; who they are stays. */
export function forgetAnswers(client: QueryClient): void {
  client.removeQueries({ predicate: (query) => !isWho(query) && query.queryKey[0] !== codeKey });
}

function isWho({ queryHash }: Pick<Query, "queryHash">): boolean {
  return queryHash === hashKey(queryKeys.me);
}
