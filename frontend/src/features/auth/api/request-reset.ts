/** Asks for a mail with a link to set a new password; the answer is the same for an unknown address. */

import { useMutation } from "@tanstack/react-query";

import { accountsRequest } from "./accounts";

export function useRequestReset() {
  return useMutation({
    mutationFn: async (email: string) => {
      await accountsRequest("GET", "/config");
      await accountsRequest("POST", "/auth/password/request", { email });
    },
  });
}
