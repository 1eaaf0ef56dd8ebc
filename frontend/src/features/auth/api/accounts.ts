/** One request to the accounts API (allauth, headless), whose errors have a shape of their own. */

import { ApiError, unreachableError } from "@/lib/api-error";
import { csrfHeaders } from "@/lib/csrf";

const root = "/_allauth/browser/v1";

interface AccountsBody {
  data?: { flows?: { id: string; is_pending?: boolean }[] };
  meta?: { is_authenticated?: boolean };
  errors?: { message: string; code: string; param?: string }[];
}

/** What came back: 401 is an answer here ("not signed in yet"), not an error. */
export interface AccountsAnswer {
  status: number;
  body: AccountsBody;
}

/** Sends a request; throws ApiError for everything but 200 and 401. */
export async function accountsRequest(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  content?: object,
): Promise<AccountsAnswer> {
  const { status, body } = await ask(method, path, content);
  if (status === 200 || status === 401) return { status, body };
  throw accountsError(status, body);
}

/** Code of the error that is mended by `POST /auth/reauthenticate` and asking again. */
export const reauthenticationNeeded = "reauthentication_needed";

/**
 * Asks about the account of who is signed in, or changes it; gives the answer's `data`. Throws ApiError, of code
 * `reauthenticationNeeded` where the sign-in is too long ago, and 401 `unauthenticated` where the session has ended.
 */
export async function ownAccount<T>(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  content?: object,
): Promise<T> {
  const { status, body } = await ask(method, path, content);
  if (status === 200) return body.data as T;
  if (status !== 401) throw accountsError(status, body);
  const isSignedIn = body.meta?.is_authenticated === true;
  throw new ApiError({
    status,
    code: isSignedIn ? reauthenticationNeeded : "unauthenticated",
    message: isSignedIn ? "Show that it is you, then it is done." : "Your session has ended. Sign in again.",
  });
}

/** Any answer at all, whatever its status. */
export async function ask(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  content?: object,
): Promise<AccountsAnswer> {
  const response = await fetch(root + path, {
    method,
    headers: { Accept: "application/json", "Content-Type": "application/json", ...csrfHeaders() },
    ...(content && { body: JSON.stringify(content) }),
  }).catch(() => {
    throw unreachableError();
  });
  const body = (await response.json().catch(() => ({}))) as AccountsBody;
  return { status: response.status, body };
}

export function accountsError(status: number, body: AccountsBody): ApiError {
  const [first] = body.errors ?? [];
  if (first)
    return new ApiError({ status, code: first.code, message: first.message, param: first.param ?? null });
  const message =
    status === 429 || status === 403
      ? "Too many attempts. Wait a few minutes, then try again."
      : "The server could not do this at the moment. Try again soon.";
  return new ApiError({ status, code: `http_${status}`, message });
}
