/** Completes a sign-in with the code of the second factor. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ApiError } from "@/lib/api-error";
import { queryKeys } from "@/lib/query-keys";

import { accountsRequest } from "./accounts";

export function useConfirmCode() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (code: string) => {
      const { status } = await accountsRequest("POST", "/auth/2fa/authenticate", { code });
      if (status === 200) return;
      // Between the password and the code there are some minutes.
      throw new ApiError({
        status,
        code: "sign_in_ended",
        message: "This took too long: start again with your password.",
      });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.me }),
  });
}
