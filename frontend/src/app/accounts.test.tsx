import { act, screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { me } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const accounts = "/_allauth/browser/v1";
const offer = {
  tenant: "Acme",
  email: "ada@acme.example",
  role: "developer",
  expires_at: "2026-01-12T10:00:00Z",
};

describe("accounts", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", refusal(401, "unauthenticated", "Sign in."))
      .on(`GET ${accounts}/config`, ok({ status: 200 }))
      .on("POST /api/v1/invitations/look", ok(offer));
  });

  it("makes an account, to be confirmed by mail", async () => {
    server.on(`POST ${accounts}/auth/signup`, {
      status: 401,
      body: { data: { flows: [{ id: "verify_email", is_pending: true }] } },
    });
    const { user } = renderApp("/sign-in");
    await user.click(await screen.findByRole("link", { name: "Make an account" }));
    await screen.findByRole("heading", { name: "Make an account" });
    await user.type(await screen.findByLabelText("E-mail address"), "ada@acme.example");
    await user.type(screen.getByLabelText("Password"), "three or four words");
    await user.click(screen.getByRole("button", { name: "Make the account" }));

    expect(await screen.findByText("Confirm your address")).toBeVisible();
    expect(server.sentTo(`POST ${accounts}/auth/signup`)[0]?.body).toEqual({
      email: "ada@acme.example",
      password: "three or four words",
    });
  });

  it("tells what is wrong with a password", async () => {
    server.on(`POST ${accounts}/auth/signup`, {
      status: 400,
      body: {
        errors: [{ message: "This password is too common.", code: "password_too_common", param: "password" }],
      },
    });
    const { user } = renderApp("/sign-up");
    await user.type(await screen.findByLabelText("E-mail address"), "ada@acme.example");
    await user.type(screen.getByLabelText("Password"), "password");
    await user.click(screen.getByRole("button", { name: "Make the account" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("This password is too common.");
  });

  it("confirms an address with the key of the link", async () => {
    server.on(`POST ${accounts}/auth/email/verify`, { status: 401, body: {} });
    const { user } = renderApp("/confirm-email#MQ%3A1abc");
    await user.click(await screen.findByRole("button", { name: "Confirm" }));

    expect(await screen.findByText("Confirmed")).toBeVisible();
    expect(server.sentTo(`POST ${accounts}/auth/email/verify`)[0]?.body).toEqual({ key: "MQ:1abc" });
  });

  it("shows the page of a link that was cut off", async () => {
    server.on(`POST ${accounts}/auth/email/verify`, { status: 401, body: {} });
    const { user } = renderApp("/confirm-email#MQ%3");
    await user.click(await screen.findByRole("button", { name: "Confirm" }));
    expect(await screen.findByText("Confirmed")).toBeVisible();
  });

  it("takes the second link that is opened in a tab for what it is", async () => {
    const { router } = renderApp("/invitation#first");
    await screen.findByText("Acme");
    server.on("POST /api/v1/invitations/look", ok({ ...offer, tenant: "Globex" }));
    await act(() => router.navigate("/invitation#second"));
    expect(await screen.findByText("Globex")).toBeVisible();
  });

  it("mails a link for a forgotten password and sets a new one", async () => {
    server
      .on(`POST ${accounts}/auth/password/request`, ok({ status: 200 }))
      .on(`POST ${accounts}/auth/password/reset`, { status: 401, body: {} });
    const { user } = renderApp("/forgotten-password");
    await user.type(await screen.findByLabelText("E-mail address"), "ada@acme.example");
    await user.click(screen.getByRole("button", { name: "Send me a link" }));
    expect(await screen.findByText("Look into your mail")).toBeVisible();

    const second = renderApp("/new-password#key-1");
    await second.user.type(await screen.findByLabelText("New password"), "four other long words");
    await second.user.click(screen.getByRole("button", { name: "Set it" }));
    expect(await screen.findByText("It is set")).toBeVisible();
    expect(server.sentTo(`POST ${accounts}/auth/password/reset`)[0]?.body).toEqual({
      key: "key-1",
      password: "four other long words",
    });
  });

  it("joins the tenant of an invitation", async () => {
    const place = me().memberships[0];
    server
      .on("GET /api/v1/me", ok({ ...me(), memberships: [] }))
      .on("POST /api/v1/invitations/accept", () => {
        server.on("GET /api/v1/me", ok(me()));
        return ok(place);
      })
      .on("GET /api/v1/tenants/acme/tasks", page());
    const { user } = renderApp("/invitation#token-1");
    await user.click(await screen.findByRole("button", { name: "Join" }));

    expect(await screen.findByRole("heading", { name: "Acme" })).toBeVisible();
    expect(server.sentTo("POST /api/v1/invitations/accept")[0]?.body).toEqual({ token: "token-1" });
  });

  it("asks the invited to sign in first, and says when it is for another", async () => {
    renderApp("/invitation#token-1");
    expect(await screen.findByRole("link", { name: "Make an account with this address" })).toBeVisible();

    server.on("GET /api/v1/me", ok({ ...me(), user: { ...me().user, email: "eve@acme.example" } }));
    renderApp("/invitation#token-1");
    expect(await screen.findByText("It is for another address")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Join" })).toBeNull();
  });

  it("knows the address of somebody who was invited when they make an account or sign in", async () => {
    const { user } = renderApp("/invitation#token-1");
    await user.click(await screen.findByRole("link", { name: "Make an account with this address" }));
    expect(await screen.findByLabelText("E-mail address")).toHaveValue("ada@acme.example");
    await user.click(screen.getByRole("link", { name: "I have one: sign in" }));
    expect(await screen.findByRole("button", { name: "Sign in" })).toBeVisible();
    expect(screen.getByLabelText("E-mail address")).toHaveValue("ada@acme.example");
  });

  it("says that an invitation has ended", async () => {
    server.on("POST /api/v1/invitations/look", refusal(404, "not_found", "This invitation has ended."));
    renderApp("/invitation#old");

    expect(await screen.findByRole("alert")).toHaveTextContent("This invitation has ended.");
  });
});
