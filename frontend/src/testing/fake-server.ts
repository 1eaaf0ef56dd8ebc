/** Our REST API in memory: stands where the network is, for fetch() and for uploads. Nothing of our own code is replaced. */

import { vi } from "vitest";

export interface FakeRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: unknown;
}

interface FakeAnswer {
  status: number;
  body?: unknown;
}

type Handler = (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>;

/** An answer of success. */
export function ok(body: unknown, status = 200): FakeAnswer {
  return { status, body };
}

/** An answer in the API's one error shape. */
export function refusal(status: number, code: string, message: string, details: unknown = null): FakeAnswer {
  return {
    status,
    body: {
      error: { message, type: "invalid_request_error", param: null, code, details, request_id: "req-1" },
    },
  };
}

/** A list that fits on one page. */
export function page(...results: unknown[]): FakeAnswer {
  return ok({ count: results.length, next: null, previous: null, results });
}

/** A list that has a page for each entry. */
export function pages(...results: unknown[]): Handler {
  return ({ query }) => {
    const asked = Number(query.get("page") ?? 1);
    const next = asked < results.length ? `?page=${asked + 1}` : null;
    return ok({ count: results.length, next, previous: null, results: results.slice(asked - 1, asked) });
  };
}

export class FakeServer {
  readonly requests: FakeRequest[] = [];
  readonly #handlers = new Map<string, Handler>();

  /** Takes the network's place until the end of the test. */
  start(): void {
    vi.stubGlobal("fetch", (input: Request | string, init?: RequestInit) => this.#fetch(input, init));
    vi.stubGlobal("XMLHttpRequest", fakeXmlHttpRequest(this));
  }

  /** Answers `route` ("GET /api/v1/me") from now on; the query is not part of a route. */
  on(route: string, answer: FakeAnswer | Handler): this {
    this.#handlers.set(route, typeof answer === "function" ? answer : () => answer);
    return this;
  }

  /** What was sent to `route` so far. */
  sentTo(route: string): FakeRequest[] {
    return this.requests.filter(({ method, path }) => `${method} ${path}` === route);
  }

  async answer(request: FakeRequest): Promise<FakeAnswer> {
    this.requests.push(request);
    const handler = this.#handlers.get(`${request.method} ${request.path}`);
    return (
      (await handler?.(request)) ??
      refusal(404, "not_found", `the fake server has no ${request.method} ${request.path}`)
    );
  }

  async #fetch(input: Request | string, init?: RequestInit): Promise<Response> {
    const request =
      input instanceof Request ? input : new Request(new URL(input, window.location.origin), init);
    const url = new URL(request.url);
    const text = await request.text();
    const { status, body } = await this.answer({
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: text && isJson(request) ? JSON.parse(text) : text || undefined,
    });
    return new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: { "Content-Type": "application/json" },
    });
  }
}

function isJson(request: Request): boolean {
  return request.headers.get("Content-Type")?.startsWith("application/json") ?? false;
}

/** As much of XMLHttpRequest as an upload uses. */
function fakeXmlHttpRequest(server: FakeServer) {
  return class {
    upload: { onprogress?: (event: { loaded: number; total: number }) => void; onload?: () => void } = {};
    onload?: () => void;
    onerror?: () => void;
    status = 0;
    response: unknown = null;
    responseType = "";
    #method = "";
    #path = "";
    readonly #headers = new Headers();

    open(method: string, path: string): void {
      this.#method = method;
      this.#path = path;
    }

    setRequestHeader(name: string, value: string): void {
      this.#headers.set(name, value);
    }

    abort(): void {}

    send(body: unknown): void {
      void this.#finish(
        server.answer({
          method: this.#method,
          path: this.#path,
          query: new URLSearchParams(),
          headers: this.#headers,
          body,
        }),
      );
    }

    async #finish(answering: Promise<FakeAnswer>): Promise<void> {
      const answer = await answering;
      this.status = answer.status;
      this.response = answer.body;
      this.upload.onload?.();
      this.onload?.();
    }
  };
}
