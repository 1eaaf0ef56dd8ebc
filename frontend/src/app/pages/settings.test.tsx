import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { deletion, me, member } from "@/testing/examples";
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
    server.on("GET /api/v1/me", ok(me())).on(`GET ${root}/members`, page(member()));
  });

  it("adds a person with a role, and tells why not", async () => {
    server.on(`POST ${root}/members`, refusal(400, "invalid_field", "Nobody has this address."));
    const { user } = renderApp("/t/acme/members");
    await user.type(await screen.findByLabelText("E-mail address"), "bob@acme.example");
    await user.selectOptions(screen.getByLabelText("Role"), "viewer");
    expect(screen.getByText("A viewer reads everything.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Add" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Nobody has this address.");

    server.on(`POST ${root}/members`, () => {
      server.on(
        `GET ${root}/members`,
        page(member(), member({ id: "m2", email: "bob@acme.example", name: "" })),
      );
      return ok(member(), 201);
    });
    await user.click(screen.getByRole("button", { name: "Add" }));
    expect(await screen.findByText("bob@acme.example")).toBeVisible();
    expect(server.sentTo(`POST ${root}/members`)[1]?.body).toEqual({
      email: "bob@acme.example",
      role: "viewer",
    });
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
    expect(screen.queryByRole("button", { name: "Add" })).toBeNull();
    expect(screen.queryByRole("button", { name: /^Remove/ })).toBeNull();
  });
});
