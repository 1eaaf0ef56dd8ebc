/** Ends the session and forgets everything that was loaded in it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { queryKeys } from "@/lib/query-keys";
import { forgetAnswers } from "@/lib/query-client";

import { accountsRequest } from "./accounts";

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    // The accounts API answers 401 when it has worked: nobody is signed in any more.
    mutationFn: () => accountsRequest("DELETE", "/auth/session"),
    onSuccess: async () => {
      // An answer that is on its way still says who was signed in.
      await client.cancelQueries({ queryKey: queryKeys.me, exact: true });
      client.setQueryData(queryKeys.me, null);
      forgetAnswers(client);
    },
  });
}
