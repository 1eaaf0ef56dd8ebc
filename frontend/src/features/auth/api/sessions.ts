/** Where the person is signed in, and ending sessions there. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { queryKeys } from "@/lib/query-keys";

import { ownAccount } from "./accounts";

export interface Session {
  id: number;
  user_agent: string;
  ip: string;
  /** Seconds since 1970. */
  created_at: number;
  is_current: boolean;
}

export function useSessions() {
  return useQuery({
    queryKey: queryKeys.sessions,
    queryFn: () => ownAccount<Session[]>("GET", "/auth/sessions"),
  });
}

export function useEndSessions() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (sessions: number[]) => ownAccount("DELETE", "/auth/sessions", { sessions }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.sessions }),
  });
}
