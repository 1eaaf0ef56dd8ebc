/** Makes an account. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { queryKeys } from "@/lib/query-keys";

import { accountsRequest } from "./accounts";

export type SignUpOutcome = "signed_in" | "confirm_first";

async function signUp(person: { email: string; password: string }): Promise<SignUpOutcome> {
  // Any answer of the accounts API sets the CSRF cookie that the next request needs.
  await accountsRequest("GET", "/config");
  const { status } = await accountsRequest("POST", "/auth/signup", person);
  return status === 200 ? "signed_in" : "confirm_first";
}

export function useSignUp() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: signUp,
    onSuccess: (outcome) =>
      outcome === "signed_in" ? client.invalidateQueries({ queryKey: queryKeys.me }) : undefined,
  });
}
