/** Signs in with e-mail address and password; accounts with a second factor are asked for a code. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ApiError } from "@/lib/api-error";
import { queryKeys } from "@/lib/query-keys";

import { accountsRequest } from "./accounts";

export type SignInOutcome = "signed_in" | "code_needed";

async function signIn(credentials: { email: string; password: string }): Promise<SignInOutcome> {
  // Any answer of the accounts API sets the CSRF cookie that the next request needs.
  await accountsRequest("GET", "/config");
  const { status, body } = await accountsRequest("POST", "/auth/login", credentials);
  if (status === 200) return "signed_in";
  const pending = body.data?.flows?.find((flow) => flow.is_pending);
  if (pending?.id === "mfa_authenticate") return "code_needed";
  if (pending?.id === "verify_email") {
    throw new ApiError({
      status,
      code: "email_unverified",
      message: "Confirm your e-mail address first: open the link in the message that was sent to it.",
    });
  }
  throw new ApiError({ status, code: "sign_in_failed", message: "Signing in did not succeed. Try again." });
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: signIn,
    onSuccess: (outcome) =>
      outcome === "signed_in" ? client.invalidateQueries({ queryKey: queryKeys.me }) : undefined,
  });
}
