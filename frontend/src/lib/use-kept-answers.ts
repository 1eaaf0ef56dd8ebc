/** Keeps what was answered while the pages that show it are out of sight, however long. */

import { QueryObserver, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

/** Without it a page that comes back after some minutes would wait for its answers anew, and lose its forms by that. */
export function useKeptAnswers(): void {
  const client = useQueryClient();
  useEffect(() => {
    const kept = client
      .getQueryCache()
      .getAll()
      .map(({ options, queryKey }) => new QueryObserver(client, { ...options, queryKey, enabled: false }))
      .map((observer) => observer.subscribe(() => undefined));
    return () => kept.forEach((letGo) => letGo());
  }, [client]);
}
