import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { deletion, invitation, me, member } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";

describe("settings", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server.on("GET /api/v1/me", ok(me()));
  });

  it("deletes the tenant once its name has been typed", async () => {
    server.on(`POST ${root}/forget`, () => {
      server.on("GET /api/v1/me", ok({ ...me(), memberships: [] }));
      return ok(deletion({ subject: "tenant" }));
    });
    const { user } = renderApp("/t/acme/settings");
    await user.click(await screen.findByRole("button", { name: "Delete this tenant" }));
    const dialog = await screen.findByRole("dialog");
    const button = within(dialog).getByRole("button", { name: "Delete everything" });
    await user.type(within(dialog).getByRole("textbox"), "acm");
    expect(button).toBeDisabled();
    await user.type(within(dialog).getByRole("textbox"), "e");
    await user.click(button);

    expect(await screen.findByText("Acme was deleted")).toBeVisible();
    expect(await screen.findByRole("heading", { name: "New tenant" })).toBeVisible();
    expect(server.sentTo(`POST ${root}/forget`)[0]?.body).toEqual({ confirm: "acme" });
  });

  it("offers the end to owners alone", async () => {
    server.on("GET /api/v1/me", ok(me("developer")));
    renderApp("/t/acme/settings");

    expect(await screen.findByText("Ask an owner of this tenant.")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Delete this tenant" })).toBeNull();
  });
});

describe("members", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/members`, page(member()))
      .on(`GET ${root}/invitations`, page());
  });

  it("lets a person leave after asking, and says why the last owner stays", async () => {
    server.on(`DELETE ${root}/members/me`, refusal(409, "conflict", "The last owner stays."));
    const { user } = renderApp("/t/acme/members");
    await user.click(await screen.findByRole("button", { name: "Leave this tenant" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Leave" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("The last owner stays.");

    server.on(`DELETE ${root}/members/me`, () => {
      server.on("GET /api/v1/me", ok({ ...me(), memberships: [] }));
      return { status: 204 };
    });
    await user.click(within(dialog).getByRole("button", { name: "Leave" }));
    expect(await screen.findByRole("heading", { name: "New tenant" })).toBeVisible();
  });

  it("invites a person with a role, and tells why not", async () => {
    server.on(`POST ${root}/invitations`, refusal(409, "already_exists", "They are a member already."));
    const { user } = renderApp("/t/acme/members");
    await user.type(await screen.findByLabelText("E-mail address"), "bob@acme.example");
    await user.selectOptions(screen.getByLabelText("Role"), "viewer");
    expect(screen.getByText("A viewer reads everything.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Invite" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("They are a member already.");

    server.on(`POST ${root}/invitations`, () => {
      server.on(`GET ${root}/invitations`, page(invitation()));
      return ok(invitation(), 201);
    });
    await user.click(screen.getByRole("button", { name: "Invite" }));
    expect(await screen.findByText("bob@acme.example")).toBeVisible();
    expect(server.sentTo(`POST ${root}/invitations`)[1]?.body).toEqual({
      email: "bob@acme.example",
      role: "viewer",
    });
  });

  it("shows invitations, roles and removal to owners alone", async () => {
    server.on("GET /api/v1/me", ok(me("developer"))).on(`GET ${root}/invitations`, page(invitation()));
    renderApp("/t/acme/members");

    expect(await screen.findByText("ada@acme.example")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Invite" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Remove ada@acme.example" })).toBeNull();
    expect(server.sentTo(`GET ${root}/invitations`)).toEqual([]);
  });

  it("gives a member another role when the button is pressed, and shows why it cannot", async () => {
    const route = `PUT ${root}/members/${member().id}`;
    server.on(route, refusal(409, "conflict", "The last owner stays one."));
    const { user } = renderApp("/t/acme/members");
    const select = await screen.findByLabelText("Role of ada@acme.example");
    await user.selectOptions(select, "developer");
    await user.selectOptions(select, "viewer");
    const button = screen.getByRole("button", { name: "Change the role of ada@acme.example" });
    expect(server.sentTo(route)).toEqual([]);
    await user.click(button);

    expect(await screen.findByRole("alert")).toHaveTextContent("The last owner stays one.");
    expect(select).toHaveAccessibleDescription("The last owner stays one.");
    expect(select).toHaveFocus();
    expect(select).toHaveValue("viewer");

    server.on(route, () => {
      server.on(`GET ${root}/members`, page({ ...member(), role: "viewer" }));
      return ok({ ...member(), role: "viewer" });
    });
    await user.click(button);
    await waitFor(() => expect(button).not.toBeInTheDocument());
    expect(select).toHaveFocus();
    expect(select).toHaveValue("viewer");
    expect(screen.queryByRole("alert")).toBeNull();
    expect(server.sentTo(route).map(({ body }) => body)).toEqual([{ role: "viewer" }, { role: "viewer" }]);
  });

  it("forgets a choice of role that is taken back", async () => {
    const { user } = renderApp("/t/acme/members");
    const select = await screen.findByLabelText("Role of ada@acme.example");
    await user.selectOptions(select, "viewer");
    await user.selectOptions(select, member().role);

    expect(screen.queryByRole("button", { name: /^Change the role/ })).toBeNull();
  });

  it("revokes an invitation after asking, and sends it again", async () => {
    const { id, email } = invitation();
    server
      .on(`GET ${root}/invitations`, page(invitation()))
      .on(`POST ${root}/invitations/${id}/resend`, ok(invitation()))
      .on(`DELETE ${root}/invitations/${id}`, () => {
        server.on(`GET ${root}/invitations`, page());
        return { status: 204 };
      });
    const { user } = renderApp("/t/acme/members");
    await user.click(await screen.findByRole("button", { name: `Send the invitation of ${email} again` }));
    expect(await screen.findByText("Sent again")).toBeVisible();
    await user.click(screen.getByRole("button", { name: `Revoke the invitation of ${email}` }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Revoke" }));
    await waitFor(() => expect(screen.queryByText("Waiting to be accepted")).toBeNull());
  });

  it("removes a person after asking", async () => {
    server.on(`DELETE ${root}/members/${member().id}`, () => {
      server.on(`GET ${root}/members`, page());
      return { status: 204 };
    });
    const { user } = renderApp("/t/acme/members");
    await user.click(await screen.findByRole("button", { name: "Remove ada@acme.example" }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Remove" }));

    await waitFor(() => expect(screen.queryByText("ada@acme.example")).toBeNull());
  });

  it("shows a viewer who is there, and nothing to change", async () => {
    server.on("GET /api/v1/me", ok(me("viewer")));
    renderApp("/t/acme/members");

    expect(await screen.findByText("ada@acme.example")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Invite" })).toBeNull();
    expect(screen.queryByRole("button", { name: /^Remove/ })).toBeNull();
  });
});
