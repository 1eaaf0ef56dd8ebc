import { screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";

import { me } from "@/testing/examples";
import { FakeServer, ok, page } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const entry = {
  id: 1,
  at: "2026-01-05T10:00:00Z",
  actor: "user:ada@acme.example",
  action: "task.create",
  target_type: "task",
  target_id: "6a1f0000-0000-4000-8000-000000000003",
  details: { slug: "mail-topics", num_rows: 3 },
};

it("shows who changed what, and finds it", async () => {
  const server = new FakeServer();
  server.start();
  server
    .on("GET /api/v1/me", ok(me()))
    .on("GET /api/v1/tenants/acme/audit", ({ query }) =>
      query.get("actor") === "eve" ? page() : page(entry),
    );
  const { user } = renderApp("/t/acme/audit");

  expect(await screen.findByText("slug: mail-topics, num rows: 3")).toBeVisible();
  expect(screen.getByText("ada@acme.example")).toBeVisible();
  expect(screen.getByText("Task made")).toBeVisible();
  await user.type(screen.getByLabelText("Who"), "eve");
  await waitFor(() => expect(screen.getByText(/Nothing was changed by these words/)).toBeVisible());
});

it("finds what was changed in some days", async () => {
  const server = new FakeServer();
  server.start();
  server
    .on("GET /api/v1/me", ok(me()))
    .on("GET /api/v1/tenants/acme/audit", ({ query }) =>
      query.get("since") === new Date(2026, 0, 5).toISOString() &&
      query.get("until") === new Date(2026, 0, 8).toISOString()
        ? page(entry)
        : page(),
    );
  const { user } = renderApp("/t/acme/audit");

  await user.type(await screen.findByLabelText("From"), "2026-01-05");
  await user.type(screen.getByLabelText("To"), "2026-01-07");
  expect(await screen.findByText("slug: mail-topics, num rows: 3")).toBeVisible();
});
