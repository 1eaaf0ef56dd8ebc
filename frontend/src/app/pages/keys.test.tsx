import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { apiKey, me, task } from "@/testing/examples";
import { FakeServer, ok, page, pages } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";

describe("API keys", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/tasks`, page(task()))
      .on(`GET ${root}/keys`, page(apiKey()))
      .on(`POST ${root}/keys`, ok({ ...apiKey({ name: "app" }), secret: "hmi_secret" }, 201));
  });

  it("shows a new key's secret once", async () => {
    const { user } = renderApp("/t/acme/keys");
    await user.click(await screen.findByRole("button", { name: "New key" }));
    await user.type(await screen.findByLabelText("Name"), "app");
    await user.selectOptions(screen.getByLabelText("Task"), "mail-topics");
    await user.click(screen.getByRole("button", { name: "Create key" }));

    expect(await screen.findByText("hmi_secret")).toBeVisible();
    // A stray click beside the dialogue does not throw the only sight of it away.
    await user.click(document.querySelector(".mantine-Modal-overlay") as Element);
    expect(screen.getByText("hmi_secret")).toBeVisible();
    expect(server.sentTo(`POST ${root}/keys`)[0]?.body).toEqual({
      name: "app",
      scopes: ["predict"],
      task: "mail-topics",
      expires_at: null,
    });
    await user.click(screen.getByRole("button", { name: "I have copied it" }));
    await waitFor(() => expect(screen.queryByText("hmi_secret")).toBeNull());
    await user.click(screen.getByRole("button", { name: "New key" }));
    expect(await screen.findByLabelText("Name")).toHaveValue("");
  });

  it("is for any task, however many there are", async () => {
    const last = task({ id: "6a1f0000-0000-4000-8000-0000000000c1", slug: "moods", name: "Moods" });
    server.on(`GET ${root}/tasks`, pages(task(), last));
    const { user } = renderApp("/t/acme/keys");
    await user.click(await screen.findByRole("button", { name: "New key" }));
    await user.type(await screen.findByLabelText("Name"), "app");
    await user.selectOptions(
      screen.getByLabelText("Task"),
      await screen.findByRole("option", { name: "Moods" }),
    );
    await user.click(screen.getByRole("button", { name: "Create key" }));

    expect(await screen.findByText("hmi_secret")).toBeVisible();
    expect(server.sentTo(`POST ${root}/keys`)[0]?.body).toMatchObject({ task: "moods" });
  });

  it("rotates a key: the new secret is shown once, the old key goes on for the time chosen", async () => {
    server.on(
      `POST ${root}/keys/${apiKey().id}/rotate`,
      ok({ ...apiKey(), id: "k2", secret: "hmi_next" }, 201),
    );
    const { user } = renderApp("/t/acme/keys");
    await user.click(await screen.findByRole("button", { name: "Rotate shop" }));
    await user.selectOptions(await screen.findByLabelText("What becomes of the old key"), "3600");
    await user.click(screen.getByRole("button", { name: "Make a new key" }));

    expect(await screen.findByText("hmi_next")).toBeVisible();
    expect(server.sentTo(`POST ${root}/keys/${apiKey().id}/rotate`)[0]?.body).toEqual({ grace_s: 3600 });
    await user.click(screen.getByRole("button", { name: "I have copied it" }));
    await waitFor(() => expect(screen.queryByText("hmi_next")).toBeNull());
  });

  it("revokes only after asking", async () => {
    server.on(`DELETE ${root}/keys/${apiKey().id}`, () => {
      server.on(`GET ${root}/keys`, page());
      return { status: 204 };
    });
    const { user } = renderApp("/t/acme/keys");
    await user.click(await screen.findByRole("button", { name: "Revoke shop" }));
    const dialog = await screen.findByRole("dialog");
    expect(server.sentTo(`DELETE ${root}/keys/${apiKey().id}`)).toHaveLength(0);
    await user.click(within(dialog).getByRole("button", { name: "Revoke key" }));

    expect(await screen.findByText("No keys yet")).toBeVisible();
  });

  it("offers developers no keys to create or revoke", async () => {
    server.on("GET /api/v1/me", ok(me("developer")));
    renderApp("/t/acme/keys");

    expect(await screen.findByText("shop")).toBeVisible();
    expect(screen.queryByRole("button", { name: "New key" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Revoke shop" })).toBeNull();
  });
});
