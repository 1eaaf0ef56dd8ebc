/** Shows anew that it is the person who signed in, with the password or a code of the second factor. */

import { useMutation } from "@tanstack/react-query";

import { accountsRequest } from "./accounts";

export function useReauthenticate() {
  return useMutation({
    mutationFn: (proof: { password: string } | { code: string }) =>
      accountsRequest("POST", "code" in proof ? "/auth/2fa/reauthenticate" : "/auth/reauthenticate", proof),
  });
}
