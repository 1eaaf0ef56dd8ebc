/** Asking again while something is under way. */

import type { Query } from "@tanstack/react-query";

import { isTransient } from "@/lib/api-error";

/**
 * A query's `refetchInterval`: goes on after a question that failed, so that a restart of the server does not freeze the
 * page, until the answer says that it is settled or that asking again cannot help.
 */
export function askAgainEach<T>(ms: number, isUnsettled: (data: T | undefined) => boolean) {
  return ({ state }: Query<T>): number | false => {
    const isRefused = state.error !== null && !isTransient(state.error);
    return !isRefused && isUnsettled(state.data) ? ms : false;
  };
}
