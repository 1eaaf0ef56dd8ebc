import { focusManager } from "@tanstack/react-query";
import { act, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { apiKey, me, task } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const accounts = "/_allauth/browser/v1";
const ada = me();
const bob = { ...me("viewer"), user: { ...me().user, id: "bob-id", email: "bob@acme.example", name: "Bob" } };
const ended = refusal(401, "unauthenticated", "Sign in.");

describe("a session", () => {
  let server: FakeServer;
  /** As whom the browser's cookie speaks, whichever tab has set it. */
  let person: typeof ada | null;

  beforeEach(() => {
    person = ada;
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", () => (person ? ok(person) : ended))
      .on(`GET ${accounts}/config`, ok({}))
      .on(`POST ${accounts}/auth/login`, ({ body }) => {
        person = (body as { email: string }).email === bob.user.email ? bob : ada;
        return ok({});
      })
      .on(`DELETE ${accounts}/auth/session`, () => {
        person = null;
        return ok({}, 401);
      })
      .on("GET /api/v1/tenants/acme/keys", () => (person ? page(apiKey()) : ended))
      .on("GET /api/v1/tenants/acme/tasks", () => (person ? page(task()) : ended))
      .on("POST /api/v1/tenants/acme/keys", () => (person ? ok(apiKey({ name: "Mail" }), 201) : ended));
  });

  afterEach(() => {
    focusManager.setFocused(undefined);
    vi.useRealTimers();
  });

  async function signIn(user: ReturnType<typeof renderApp>["user"], email: string) {
    const address = await screen.findByLabelText("E-mail address");
    await user.clear(address);
    await user.type(address, email);
    await user.type(screen.getByLabelText("Password"), "right");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
  }

  async function typeAKeysName(user: ReturnType<typeof renderApp>["user"]) {
    await user.click(await screen.findByRole("button", { name: "New key" }));
    await user.type(await within(await screen.findByRole("dialog")).findByLabelText("Name"), "Mail");
  }

  it("that ends amid a form leaves what was typed for whoever signs in again", async () => {
    const { user } = renderApp("/t/acme/keys");
    await typeAKeysName(user);
    person = null;
    await user.click(screen.getByRole("button", { name: "Create key" }));

    expect(await screen.findByRole("heading", { name: "Sign in again" })).toBeVisible();
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(screen.getByLabelText("E-mail address")).toHaveValue(ada.user.email);
    await signIn(user, ada.user.email);
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).getByLabelText("Name")).toHaveValue("Mail");
    await user.click(within(dialog).getByRole("button", { name: "Create key" }));
    expect(await screen.findByText("Your new key")).toBeVisible();
  });

  it("that has ended for an hour still has the form of a page that waited for an answer", async () => {
    server.on("GET /api/v1/tenants/acme/tasks/mail-topics", () => (person ? ok(task()) : ended));
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await user.type(await screen.findByLabelText("Name"), " and more");
    person = null;
    vi.useFakeTimers({ shouldAdvanceTime: true });
    act(() => focusManager.setFocused(true));
    expect(await screen.findByRole("heading", { name: "Sign in again" })).toBeVisible();
    await act(() => vi.advanceTimersByTimeAsync(3_600_000));
    vi.useRealTimers();
    await signIn(user, ada.user.email);

    expect(await screen.findByRole("heading", { name: "Mail topics" })).toBeVisible();
    expect(screen.getByLabelText("Name")).toHaveValue("Mail topics and more");
  });

  it("of another person keeps nothing of the one before", async () => {
    const { user } = renderApp("/t/acme/keys");
    await typeAKeysName(user);
    person = null;
    await user.click(screen.getByRole("button", { name: "Create key" }));
    server.on("GET /api/v1/tenants/acme/keys", () => new Promise(() => undefined));
    await signIn(user, bob.user.email);

    expect(await screen.findByRole("button", { name: `Account: ${bob.user.email}` })).toBeVisible();
    expect(screen.queryByText(apiKey().name)).toBeNull();
    expect(screen.queryByDisplayValue("Mail")).toBeNull();
  });

  it("that another tab has begun for somebody else is seen when one comes back", async () => {
    renderApp("/t/acme/keys");
    expect(await screen.findByRole("button", { name: "New key" })).toBeVisible();
    person = bob;
    act(() => focusManager.setFocused(true));

    expect(await screen.findByRole("button", { name: `Account: ${bob.user.email}` })).toBeVisible();
    await waitFor(() => expect(screen.queryByRole("button", { name: "New key" })).toBeNull());
  });

  it("that was ended on purpose leaves nothing of the account behind", async () => {
    const here = { id: 1, user_agent: "Ada's browser", ip: "192.0.2.7", created_at: 1, is_current: true };
    server
      .on(`GET ${accounts}/account/authenticators`, ok({ data: [] }))
      .on(`GET ${accounts}/auth/sessions`, ok({ data: [here] }));
    const { router, user } = renderApp("/account");
    expect(await screen.findByText(/192\.0\.2\.7/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: /Account/ }));
    await user.click(await screen.findByRole("menuitem", { name: "Sign out" }));
    expect(await screen.findByRole("heading", { name: "Sign in to HMI" })).toBeVisible();

    server.on(`GET ${accounts}/auth/sessions`, () => new Promise(() => undefined));
    await signIn(user, bob.user.email);
    await screen.findByRole("button", { name: `Account: ${bob.user.email}` });
    await act(() => router.navigate("/account"));
    expect(await screen.findByRole("heading", { name: "Your account" })).toBeVisible();
    expect(screen.queryByText(/192\.0\.2\.7/)).toBeNull();
  });
});
