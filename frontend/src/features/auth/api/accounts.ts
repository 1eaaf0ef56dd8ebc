/** One request to the accounts API (allauth, headless), whose errors have a shape of their own. */

import { ApiError, unreachableError } from "@/lib/api-error";
import { csrfHeaders } from "@/lib/csrf";

const root = "/_allauth/browser/v1";

interface AccountsBody {
  data?: { flows?: { id: string; is_pending?: boolean }[] };
  errors?: { message: string; code: string; param?: string }[];
}

/** What came back: 401 is an answer here ("not signed in yet"), not an error. */
export interface AccountsAnswer {
  status: number;
  body: AccountsBody;
}

/** Sends a request; throws ApiError for everything but 200 and 401. */
export async function accountsRequest(
  method: "GET" | "POST" | "DELETE",
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
  if (response.status === 200 || response.status === 401) return { status: response.status, body };
  throw accountsError(response.status, body);
}

function accountsError(status: number, body: AccountsBody): ApiError {
  const [first] = body.errors ?? [];
  if (first)
    return new ApiError({ status, code: first.code, message: first.message, param: first.param ?? null });
  const message =
    status === 429 || status === 403
      ? "Too many attempts. Wait a few minutes, then try again."
      : "Signing in is not possible at the moment. Try again soon.";
  return new ApiError({ status, code: `http_${status}`, message });
}
