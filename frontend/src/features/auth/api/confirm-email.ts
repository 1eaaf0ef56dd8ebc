/** Confirms an e-mail address with the key from the link of a mail. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { queryKeys } from "@/lib/query-keys";

import { accountsRequest } from "./accounts";

export function useConfirmEmail() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (key: string) => {
      await accountsRequest("GET", "/config");
      await accountsRequest("POST", "/auth/email/verify", { key });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.me }),
  });
}
