/** The second factor of the person who is signed in: whether there is one, setting it up, ending it, recovery codes. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { queryKeys } from "@/lib/query-keys";

import { accountsError, ask, ownAccount, reauthenticationNeeded } from "./accounts";
import { ApiError } from "@/lib/api-error";

const totpPath = "/account/authenticators/totp";
const codesPath = "/account/authenticators/recovery-codes";

export interface Authenticator {
  type: "totp" | "recovery_codes";
  /** Seconds since 1970. */
  created_at: number;
  last_used_at: number | null;
  total_code_count?: number;
  unused_code_count?: number;
}

export function useAuthenticators() {
  return useQuery({
    queryKey: queryKeys.authenticators,
    queryFn: () => ownAccount<Authenticator[]>("GET", "/account/authenticators"),
  });
}

/** What an authenticator app has to know; each question makes a new secret, and the last one counts. */
export interface TotpOffer {
  secret: string;
  /** For a QR code. */
  url: string;
}

async function offerTotp(): Promise<TotpOffer> {
  const { status, body } = await ask("GET", totpPath);
  // There is none yet: this is the answer that tells the secret.
  const meta = body.meta as { secret?: string; totp_url?: string; is_authenticated?: boolean } | undefined;
  if (status === 404 && meta?.secret && meta.totp_url) return { secret: meta.secret, url: meta.totp_url };
  if (status === 401 && meta?.is_authenticated) {
    throw new ApiError({ status, code: reauthenticationNeeded, message: "Show that it is you." });
  }
  throw accountsError(status, body);
}

export function useOfferTotp() {
  return useMutation({ mutationFn: offerTotp, gcTime: 0 });
}

async function recoveryCodes(method: "GET" | "POST"): Promise<string[]> {
  return (await ownAccount<{ unused_codes?: string[] }>(method, codesPath)).unused_codes ?? [];
}

/** Sets the factor up with a first code of the app; gives the recovery codes that come with it. */
export function useActivateTotp() {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: async (code: string) => {
      await ownAccount("POST", totpPath, { code });
      return recoveryCodes("GET");
    },
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.authenticators }),
  });
}

export function useEndTotp() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ownAccount("DELETE", totpPath),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.authenticators }),
  });
}

/** Makes new recovery codes; the old ones end. */
export function useNewRecoveryCodes() {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: () => recoveryCodes("POST"),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.authenticators }),
  });
}
