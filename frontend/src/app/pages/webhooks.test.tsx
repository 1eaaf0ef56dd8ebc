import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import type { Delivery, Webhook } from "@/lib/types";
import { me } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme/webhooks";
const webhook: Webhook = {
  id: "6a1f0000-0000-4000-8000-000000000011",
  name: "Builds",
  url: "https://acme.example/hook",
  events: ["training.succeeded"],
  is_active: true,
  created_at: "2026-01-05T10:00:00Z",
  old_ends_at: null,
};
const delivery: Delivery = {
  id: "6a1f0000-0000-4000-8000-000000000012",
  event_id: "6a1f0000-0000-4000-8000-000000000013",
  type: "training.succeeded",
  state: "failed",
  num_attempts: 8,
  status: 500,
  error: "",
  duration_ms: 31,
  created_at: "2026-01-05T10:00:00Z",
  last_attempt_at: "2026-01-05T10:00:00Z",
  next_attempt_at: "2026-01-05T10:00:00Z",
  delivered_at: null,
};

describe("webhooks", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}`, page(webhook))
      .on(`GET ${root}/${webhook.id}/deliveries`, page(delivery));
  });

  it("makes a new secret, says how long the old one goes on, and shows the new one once", async () => {
    server
      .on(`GET ${root}`, page({ ...webhook, old_ends_at: "2026-01-06T10:00:00Z" }))
      .on(`POST ${root}/${webhook.id}/rotate`, ok({ ...webhook, secret: "whsec_new" }));
    const { user } = renderApp("/t/acme/webhooks");
    expect(await screen.findByText(/^The old secret signs too until Jan 6, 2026/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "New secret of Builds" }));
    await user.click(await screen.findByRole("button", { name: "Make a new secret" }));

    expect(await screen.findByText("whsec_new")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "I have copied it" }));
    await waitFor(() => expect(screen.queryByText("whsec_new")).toBeNull());
  });

  it("makes one and shows its secret once", async () => {
    server.on(`GET ${root}`, page()).on(`POST ${root}`, ok({ ...webhook, secret: "whsec_abc" }, 201));
    const { user } = renderApp("/t/acme/webhooks");
    await user.click(await screen.findByRole("button", { name: "New webhook" }));
    await user.type(await screen.findByLabelText("Name"), "Builds");
    await user.type(screen.getByLabelText("Address"), "https://acme.example/hook");
    await user.click(screen.getByRole("checkbox", { name: "A dataset is ready" }));
    await user.click(screen.getByRole("button", { name: "Make webhook" }));

    expect(await screen.findByText("whsec_abc")).toBeVisible();
    expect(server.sentTo(`POST ${root}`)[0]?.body).toEqual({
      name: "Builds",
      url: "https://acme.example/hook",
      events: [
        "training.succeeded",
        "training.failed",
        "version.published",
        "deployment.changed",
        "deployment.held",
        "deployment.moved",
        "dataset.blocked",
        "drift.detected",
        "quota.reached",
      ],
    });
    await user.click(screen.getByRole("button", { name: "I have copied it" }));
    await waitFor(() => expect(screen.queryByText("whsec_abc")).toBeNull());
  });

  it("shows what was sent, and sends it once more", async () => {
    server.on(`POST ${root}/${webhook.id}/deliveries/${delivery.id}/replay`, () => {
      server.on(
        `GET ${root}/${webhook.id}/deliveries`,
        page({ ...delivery, state: "delivered", status: 204 }),
      );
      return ok(delivery, 201);
    });
    const { user } = renderApp("/t/acme/webhooks");
    expect(await screen.findByText("HTTP 500, 31 ms")).toBeVisible();
    await user.click(screen.getByRole("button", { name: /^Send again: training.succeeded of / }));

    expect(await screen.findByText("taken")).toBeVisible();
  });

  it("says when one that was not taken is tried again, and tries it now", async () => {
    const next_attempt_at = new Date(Date.now() + 90_000).toISOString();
    const waiting = { ...delivery, state: "pending" as const, error: "answered 500", next_attempt_at };
    server
      .on(`GET ${root}/${webhook.id}/deliveries`, page(waiting))
      .on(`POST ${root}/${webhook.id}/deliveries/${delivery.id}/replay`, ok(waiting));
    const { user } = renderApp("/t/acme/webhooks");
    expect(await screen.findByText(/^HTTP 500, 31 ms, tried again in 1 min (29|30) s$/)).toBeVisible();
    expect(screen.getByText("not taken yet", { selector: "span" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: /^Try now: training.succeeded of / }));

    await waitFor(() =>
      expect(server.sentTo(`POST ${root}/${webhook.id}/deliveries/${delivery.id}/replay`)).toHaveLength(1),
    );
  });

  it("says that an event waits for an earlier one", async () => {
    const nothing = { num_attempts: 0, status: null, duration_ms: null };
    const behind = { ...delivery, ...nothing, state: "pending" as const };
    server.on(`GET ${root}/${webhook.id}/deliveries`, page(behind));
    renderApp("/t/acme/webhooks");
    expect(await screen.findByText("waits for an earlier event that was not taken yet")).toBeVisible();
  });

  it("shows those of one state, and what an event said", async () => {
    server.on(
      `GET ${root}/${webhook.id}/deliveries/${delivery.id}`,
      ok({ ...delivery, payload: { task: "mail-topics" } }),
    );
    const { user } = renderApp("/t/acme/webhooks");
    await user.selectOptions(await screen.findByLabelText("Which events"), "Given up");
    await waitFor(() => {
      const asked = server.sentTo(`GET ${root}/${webhook.id}/deliveries`);
      expect(asked.at(-1)?.query.get("state")).toBe("failed");
    });
    await user.click(screen.getByRole("button", { name: /^Show: training.succeeded of / }));
    expect(await screen.findByRole("region", { name: "data" })).toHaveTextContent('"task": "mail-topics"');
  });

  it("pauses one, and tells why a test was not sent", async () => {
    server
      .on(`PATCH ${root}/${webhook.id}`, () => {
        server.on(`GET ${root}`, page({ ...webhook, is_active: false }));
        return ok({ ...webhook, is_active: false });
      })
      .on(`POST ${root}/${webhook.id}/ping`, refusal(409, "conflict", "It is paused."));
    const { user } = renderApp("/t/acme/webhooks");
    await user.click(await screen.findByRole("button", { name: "Pause Builds" }));
    expect(await screen.findByText("Paused")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Send a test Builds" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("It is paused.");
    expect(server.sentTo(`PATCH ${root}/${webhook.id}`)[0]?.body).toEqual({ is_active: false });
  });

  it("says in the dialogue why it was not deleted, and nothing of what failed before", async () => {
    server
      .on(`POST ${root}/${webhook.id}/ping`, refusal(409, "conflict", "It is paused."))
      .on(`DELETE ${root}/${webhook.id}`, refusal(403, "forbidden", "Only owners delete."));
    const { user } = renderApp("/t/acme/webhooks");
    await user.click(await screen.findByRole("button", { name: "Send a test Builds" }));
    expect(await screen.findByText("It is paused.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Delete Builds" }));
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).queryByRole("alert")).toBeNull();
    await user.click(within(dialog).getByRole("button", { name: "Delete webhook" }));

    expect(await within(dialog).findByRole("alert")).toHaveTextContent("Only owners delete.");
  });

  it("changes its address and the events that it is told of", async () => {
    const events = ["training.failed"];
    server.on(`PATCH ${root}/${webhook.id}`, () => {
      server.on(`GET ${root}`, page({ ...webhook, events }));
      return ok({ ...webhook, events });
    });
    server.on(`GET ${root}`, page({ ...webhook, events: ["training.failed", "dataset.ready"] }));
    const { user } = renderApp("/t/acme/webhooks");
    await user.click(await screen.findByRole("button", { name: /^Change.*Builds/ }));
    const dialog = await screen.findByRole("dialog", { name: "Change Builds" });
    const save = within(dialog).getByRole("button", { name: "Save" });
    await user.click(within(dialog).getByLabelText("A training failed"));
    await user.click(within(dialog).getByLabelText("A dataset is ready"));
    expect(save).toBeDisabled();
    await user.click(within(dialog).getByLabelText("A training failed"));
    await user.clear(within(dialog).getByLabelText("Address"));
    await user.type(within(dialog).getByLabelText("Address"), "https://acme.example/other");
    await user.click(save);

    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(await screen.findByText("training.failed", { exact: true })).toBeVisible();
    expect(server.sentTo(`PATCH ${root}/${webhook.id}`)[0]?.body).toEqual({
      name: "Builds",
      url: "https://acme.example/other",
      events,
    });
  });

  it("deletes one after asking", async () => {
    server.on(`DELETE ${root}/${webhook.id}`, () => {
      server.on(`GET ${root}`, page());
      return { status: 204 };
    });
    const { user } = renderApp("/t/acme/webhooks");
    await user.click(await screen.findByRole("button", { name: "Delete Builds" }));
    await user.click(
      within(await screen.findByRole("dialog")).getByRole("button", { name: "Delete webhook" }),
    );
    expect(await screen.findByText("No webhooks yet")).toBeVisible();
  });

  it("offers a viewer nothing to change", async () => {
    server.on("GET /api/v1/me", ok(me("viewer")));
    renderApp("/t/acme/webhooks");

    expect(await screen.findByText("HTTP 500, 31 ms")).toBeVisible();
    expect(screen.queryByRole("button", { name: /Delete|Pause|New webhook|Send/ })).toBeNull();
  });
});
