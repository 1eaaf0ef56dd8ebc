/** Sets a new password with the key from the link of a mail. */

import { useMutation } from "@tanstack/react-query";

import { accountsRequest } from "./accounts";

export function useSetPassword() {
  return useMutation({
    mutationFn: async (change: { key: string; password: string }) => {
      await accountsRequest("GET", "/config");
      await accountsRequest("POST", "/auth/password/reset", change);
    },
  });
}
