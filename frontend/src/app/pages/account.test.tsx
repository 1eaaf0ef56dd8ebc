import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { me } from "@/testing/examples";
import { FakeServer, ok } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/_allauth/browser/v1";
const totp = { type: "totp", created_at: 1_700_000_000, last_used_at: null };
const recovery = {
  type: "recovery_codes",
  created_at: 1_700_000_000,
  last_used_at: null,
  total_code_count: 10,
  unused_code_count: 7,
};
const codes = ["aaaa-1111", "bbbb-2222"];
const offer = {
  status: 404,
  body: { meta: { secret: "JBSWY3DP", totp_url: "otpauth://totp/HMI:ada?secret=JBSWY3DP" } },
};
const tooLongAgo = { status: 401, body: { meta: { is_authenticated: true }, data: { flows: [] } } };

describe("one's account", () => {
  let server: FakeServer;
  let authenticators: object[];
  let isProven: boolean;

  beforeEach(() => {
    authenticators = [];
    isProven = false;
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/account/authenticators`, () => ok({ status: 200, data: authenticators }))
      .on(`GET ${root}/account/authenticators/totp`, offer)
      .on(`GET ${root}/account/authenticators/recovery-codes`, ok({ data: { unused_codes: codes } }))
      .on(`POST ${root}/account/authenticators/recovery-codes`, ok({ data: { unused_codes: codes } }))
      .on(`POST ${root}/account/authenticators/totp`, () => {
        if (!isProven) return tooLongAgo;
        authenticators = [totp, recovery];
        return ok({ data: totp });
      })
      .on(`POST ${root}/auth/reauthenticate`, () => {
        isProven = true;
        return ok({ data: {} });
      })
      .on(`GET ${root}/auth/sessions`, ok({ data: [] }));
  });

  const sent = (route: string) => server.sentTo(route).map(({ body }) => body);

  it("is reached from the menu", async () => {
    server.on("GET /api/v1/tenants/acme/members", ok({ count: 0, results: [] }));
    const { user, router } = renderApp("/t/acme/members");
    await user.click(await screen.findByRole("button", { name: /^Account/ }));
    await user.click(await screen.findByRole("menuitem", { name: "Your account" }));
    expect(await screen.findByRole("heading", { name: "Your account" })).toBeVisible();
    expect(router.state.location.pathname).toBe("/account");
  });

  it("gets a second factor: a code to scan, a first code, and recovery codes that are shown once", async () => {
    const { user } = renderApp("/account");
    await user.click(await screen.findByRole("button", { name: "Set it up" }));

    expect(await screen.findByRole("img", { name: /^QR code/ })).toHaveAttribute(
      "src",
      expect.stringMatching(/^data:image\/svg\+xml,/),
    );
    expect(screen.getByRole("region", { name: "Secret" })).toHaveTextContent("JBSWY3DP");
    await user.type(screen.getByLabelText(/^2\. The code/), "123 456");
    await user.click(screen.getByRole("button", { name: "Switch it on" }));
    const dialog = await screen.findByRole("dialog", { name: "Is it you?" });
    await user.type(within(dialog).getByLabelText("Password"), "my password");
    await user.click(within(dialog).getByRole("button", { name: "Go on" }));

    expect(await screen.findByRole("region", { name: "Recovery codes" })).toHaveTextContent(codes.join(" "));
    expect(sent(`POST ${root}/account/authenticators/totp`)).toEqual([
      { code: "123456" },
      { code: "123456" },
    ]);
    expect(sent(`POST ${root}/auth/reauthenticate`)).toEqual([{ password: "my password" }]);
    await user.click(screen.getByRole("button", { name: "I have kept them" }));
    expect(await screen.findByText("7 of 10 recovery codes are left.")).toBeVisible();
    expect(screen.queryByText(/aaaa-1111/)).toBeNull();
  });

  it("keeps the secret on the page when the first code is wrong", async () => {
    server.on(`POST ${root}/account/authenticators/totp`, {
      status: 400,
      body: { errors: [{ message: "Incorrect code.", code: "incorrect_code", param: "code" }] },
    });
    const { user } = renderApp("/account");
    await user.click(await screen.findByRole("button", { name: "Set it up" }));
    await user.type(await screen.findByLabelText(/^2\. The code/), "000000");
    await user.click(screen.getByRole("button", { name: "Switch it on" }));

    expect(await screen.findByText("Incorrect code.")).toBeVisible();
    expect(screen.getByRole("region", { name: "Secret" })).toHaveTextContent("JBSWY3DP");
    expect(server.sentTo(`GET ${root}/account/authenticators/totp`)).toHaveLength(1);
  });

  it("asks who is there when the sign-in is long ago, and then does what was asked for", async () => {
    authenticators = [totp, recovery];
    server
      .on(`POST ${root}/account/authenticators/recovery-codes`, () =>
        isProven ? ok({ data: { unused_codes: codes } }) : tooLongAgo,
      )
      .on(`POST ${root}/auth/2fa/reauthenticate`, () => {
        isProven = true;
        return ok({ data: {} });
      });
    const { user } = renderApp("/account");
    await user.click(await screen.findByRole("button", { name: "Make new recovery codes" }));
    const dialog = await screen.findByRole("dialog", { name: "Is it you?" });
    await user.type(within(dialog).getByLabelText("Code"), "123456");
    await user.click(within(dialog).getByRole("button", { name: "Go on" }));

    expect(await screen.findByRole("region", { name: "Recovery codes" })).toHaveTextContent("aaaa-1111");
    expect(sent(`POST ${root}/auth/2fa/reauthenticate`)).toEqual([{ code: "123456" }]);
  });

  it("loses its second factor only after asking", async () => {
    authenticators = [totp, recovery];
    server.on(`DELETE ${root}/account/authenticators/totp`, () => {
      authenticators = [];
      return ok({});
    });
    const { user } = renderApp("/account");
    await user.click(await screen.findByRole("button", { name: "Switch it off" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Switch it off" }));

    expect(await screen.findByRole("button", { name: "Set it up" })).toBeVisible();
  });

  it("gets another password, and keeps what was typed when that is refused", async () => {
    const path = `POST ${root}/account/password/change`;
    server.on(path, {
      status: 400,
      body: { errors: [{ message: "Please type your current password.", code: "enter_current_password" }] },
    });
    const { user } = renderApp("/account");
    await user.type(await screen.findByLabelText("Current password"), "old");
    await user.type(screen.getByLabelText("New password"), "four words make sense");
    await user.click(screen.getByRole("button", { name: "Change password" }));
    expect(await screen.findByText("Please type your current password.")).toBeVisible();
    expect(screen.getByLabelText("New password")).toHaveValue("four words make sense");

    server.on(path, ok({ data: {} }));
    await user.click(screen.getByRole("button", { name: "Change password" }));
    expect(await screen.findByText("The password is changed")).toBeVisible();
    expect(screen.getByLabelText("New password")).toHaveValue("");
    expect(sent(path)[1]).toEqual({ current_password: "old", new_password: "four words make sense" });
  });

  it("is signed out elsewhere, in one place or all", async () => {
    const session = (id: number, user_agent: string, is_current = false) => ({
      id,
      user_agent,
      ip: `192.0.2.${id}`,
      created_at: 1_700_000_000,
      is_current,
    });
    let sessions = [
      session(1, "Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0", true),
      session(2, "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"),
      session(3, "curl/8"),
    ];
    server
      .on(`GET ${root}/auth/sessions`, () => ok({ data: sessions }))
      .on(`DELETE ${root}/auth/sessions`, ({ body }) => {
        const ended = (body as { sessions: number[] }).sessions;
        sessions = sessions.filter(({ id }) => !ended.includes(id));
        return ok({ data: sessions });
      });
    const { user } = renderApp("/account");

    expect(await screen.findByText("Chrome on Linux")).toHaveTextContent("This one");
    await user.click(screen.getByRole("button", { name: /^Sign out.*Firefox on Windows from 192.0.2.2$/ }));
    await waitFor(() => expect(screen.queryByText("Firefox on Windows")).toBeNull());
    expect(screen.queryByRole("button", { name: "Sign out everywhere else" })).toBeNull();
    sessions.push(session(4, "curl/9"));
    expect(sent(`DELETE ${root}/auth/sessions`)).toEqual([{ sessions: [2] }]);
  });

  it("leads to the sign-in when the session has ended", async () => {
    server.on(`GET ${root}/auth/sessions`, {
      status: 401,
      body: { meta: { is_authenticated: false } },
    });
    renderApp("/account");
    expect(await screen.findByRole("heading", { name: "Sign in again" })).toBeVisible();
  });
});
