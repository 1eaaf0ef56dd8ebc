/** Ends the session and forgets everything that was loaded in it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { queryKeys } from "@/lib/query-keys";

import { accountsRequest } from "./accounts";

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    // The accounts API answers 401 when it has worked: nobody is signed in any more.
    mutationFn: () => accountsRequest("DELETE", "/auth/session"),
    onSuccess: () => {
      client.setQueryData(queryKeys.me, null);
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== queryKeys.me[0] });
    },
  });
}
