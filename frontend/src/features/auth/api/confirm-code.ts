/** Completes a sign-in with the code of the second factor. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { queryKeys } from "@/lib/query-keys";

import { accountsRequest } from "./accounts";

export function useConfirmCode() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (code: string) => accountsRequest("POST", "/auth/2fa/authenticate", { code }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.me }),
  });
}
