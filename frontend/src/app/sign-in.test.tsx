import { screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { me } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

describe("signing in", () => {
  let server: FakeServer;
  let isSignedIn: boolean;

  beforeEach(() => {
    isSignedIn = false;
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", () => (isSignedIn ? ok(me()) : refusal(401, "unauthenticated", "Sign in.")))
      .on("GET /_allauth/browser/v1/config", () => {
        document.cookie = "csrftoken=token-1";
        return ok({});
      })
      .on("POST /_allauth/browser/v1/auth/login", ({ body }) => {
        isSignedIn = (body as { password: string }).password === "right";
        return isSignedIn
          ? ok({})
          : ok({ errors: [{ code: "invalid", message: "The address or the password is wrong." }] }, 400);
      })
      .on("DELETE /_allauth/browser/v1/auth/session", () => {
        isSignedIn = false;
        return ok({}, 401);
      })
      .on("GET /api/v1/tenants/acme/keys", page())
      .on("GET /api/v1/tenants/acme/tasks", page());
  });

  async function signIn(user: ReturnType<typeof renderApp>["user"], password: string) {
    await user.type(await screen.findByLabelText("E-mail address"), "ada@acme.example");
    await user.type(screen.getByLabelText("Password"), password);
    await user.click(screen.getByRole("button", { name: "Sign in" }));
  }

  it("leads to the page that was asked for and sends the CSRF token", async () => {
    const { user } = renderApp("/t/acme/keys");
    await signIn(user, "right");

    expect(await screen.findByRole("heading", { name: "API keys" })).toBeVisible();
    const [login] = server.sentTo("POST /_allauth/browser/v1/auth/login");
    expect(login?.headers.get("X-CSRFToken")).toBe("token-1");
  });

  it("says in words when the password is wrong", async () => {
    const { user } = renderApp("/");
    await signIn(user, "wrong");

    expect(await screen.findByRole("alert")).toHaveTextContent("The address or the password is wrong.");
    expect(screen.getByLabelText("E-mail address")).toHaveValue("ada@acme.example");
  });

  it("says that it took too long where the code comes late, and begins again", async () => {
    server
      .on("POST /_allauth/browser/v1/auth/login", {
        status: 401,
        body: { data: { flows: [{ id: "mfa_authenticate", is_pending: true }] } },
      })
      .on("POST /_allauth/browser/v1/auth/2fa/authenticate", { status: 401, body: {} });
    const { user } = renderApp("/");
    await signIn(user, "right");
    await user.type(await screen.findByLabelText("Code"), "123456");
    await user.click(screen.getByRole("button", { name: "Go on" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("start again with your password");
    await user.click(screen.getByRole("button", { name: "Start again with the password" }));
    expect(await screen.findByLabelText("Password")).toBeVisible();
  });

  it("signs out and forgets the tenant's pages", async () => {
    isSignedIn = true;
    const { user } = renderApp("/t/acme/tasks");
    await user.click(await screen.findByRole("button", { name: /Account/ }));
    await user.click(await screen.findByRole("menuitem", { name: "Sign out" }));

    expect(await screen.findByRole("heading", { name: "Sign in to HMI" })).toBeVisible();
  });

  it("shows nothing of a tenant of which the person is no member", async () => {
    isSignedIn = true;
    renderApp("/t/globex/tasks");

    expect(await screen.findByText("There is nothing here")).toBeVisible();
    expect(server.requests.filter(({ path }) => path.includes("globex"))).toEqual([]);
  });
});
