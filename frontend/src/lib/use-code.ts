/** Code that is fetched when it is first shown. */

import { useQuery } from "@tanstack/react-query";

import { unreachableError } from "@/lib/api-error";
import { queryKeys } from "@/lib/query-keys";

/** What `load` imports; a failure as of any other question to the server. */
export async function fetchCode<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw Object.assign(unreachableError(), { cause });
  }
}

/**
 * The module that `load` imports, as an answer like any other: where it cannot be fetched, its place says so, and
 * the page around it stays, with what was typed there.
 */
export function useCode<T>(name: string, load: () => Promise<T>) {
  return useQuery({
    queryKey: queryKeys.code(name),
    queryFn: () => fetchCode(load),
    staleTime: Infinity,
    gcTime: Infinity,
  });
}
