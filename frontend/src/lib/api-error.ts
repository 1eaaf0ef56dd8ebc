/** The one error shape of the REST API and of the inference service, as an exception. */

/** Body of every error answer: see docs/api.md. */
export interface ErrorBody {
  error: {
    message: string;
    type: string;
    param: string | null;
    code: string;
    details: unknown;
    request_id: string;
  };
}

/** An answer that was not a success, or no answer at all (`status` 0). The message is meant for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly details: unknown;
  readonly requestId: string | null;

  constructor(fields: {
    status: number;
    code: string;
    message: string;
    param?: string | null;
    details?: unknown;
    requestId?: string | null;
  }) {
    super(fields.message);
    this.name = "ApiError";
    this.status = fields.status;
    this.code = fields.code;
    this.param = fields.param ?? null;
    this.details = fields.details ?? null;
    this.requestId = fields.requestId ?? null;
  }
}

/** The error for an answer's status and parsed body; a body in another shape (a proxy's page) still gives words. */
export function apiErrorFrom(status: number, body: unknown): ApiError {
  if (isErrorBody(body)) {
    const { message, code, param, details, request_id } = body.error;
    return new ApiError({ status, code, message, param, details, requestId: request_id });
  }
  const message =
    status >= 500
      ? "The server could not answer. Try again in a moment."
      : "The server refused this request without saying why.";
  return new ApiError({ status, code: `http_${status}`, message });
}

/** The error for a request that never got an answer. */
export function unreachableError(): ApiError {
  return new ApiError({
    status: 0,
    code: "unreachable",
    message: "The server cannot be reached. Check your connection and try again.",
  });
}

/** Whether asking again could help: no answer, or the server's own trouble. */
export function isTransient(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
}

function isErrorBody(body: unknown): body is ErrorBody {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const { error } = body;
  return (
    typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
  );
}
