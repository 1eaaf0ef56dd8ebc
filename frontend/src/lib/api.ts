/** The typed client of the portal's REST API: types come from the OpenAPI schema, errors are thrown as ApiError. */

import createClient, { type Middleware } from "openapi-fetch";

import type { paths } from "@/api-types.gen";
import { ApiError, apiErrorFrom, unreachableError } from "@/lib/api-error";
import { csrfHeaders } from "@/lib/csrf";

const readOnlyMethods = new Set(["GET", "HEAD", "OPTIONS"]);

const csrf: Middleware = {
  onRequest({ request }) {
    if (readOnlyMethods.has(request.method)) return;
    for (const [name, value] of Object.entries(csrfHeaders())) request.headers.set(name, value);
  },
};

const errors: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    throw apiErrorFrom(response.status, await response.json().catch(() => null));
  },
  onError({ error }) {
    return error instanceof ApiError ? error : unreachableError();
  },
};

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  // Looked up at each call, so that a test may put its own server in place of the network.
  fetch: (request) => globalThis.fetch(request),
});
api.use(csrf, errors);

/** The body of an answer that succeeded; openapi-fetch cannot know that the middleware has thrown all others. */
export function body<T>(answer: { data?: T }): T {
  return answer.data as T;
}
