import { screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { me, task, version } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

describe("the list of tasks", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server.on("GET /api/v1/me", ok(me()));
  });

  it("tells a newcomer what to do", async () => {
    server.on("GET /api/v1/tenants/acme/tasks", page());
    renderApp("/t/acme/tasks");

    expect(await screen.findByText("No tasks yet")).toBeVisible();
    expect(screen.getByRole("link", { name: "New task" })).toHaveAttribute("href", "/t/acme/new-task");
  });

  it("shows what each task is doing", async () => {
    const deployment = { version: 2, version_id: version().id, deployed_at: "2026-01-05T10:00:00Z" };
    server.on("GET /api/v1/tenants/acme/tasks", page(task(), task({ slug: "b", name: "B", deployment })));
    renderApp("/t/acme/tasks");

    expect(await screen.findByText("Needs data")).toBeVisible();
    expect(screen.getByText("Serving version 2")).toBeVisible();
  });

  it("can be asked for again after an error, and names the request", async () => {
    server.on(
      "GET /api/v1/tenants/acme/tasks",
      refusal(403, "forbidden", "This tenant is not active; ask the operator."),
    );
    const { user } = renderApp("/t/acme/tasks");
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "This tenant is not active; ask the operator.",
    );
    expect(screen.getByRole("alert")).toHaveTextContent("req-1");

    server.on("GET /api/v1/tenants/acme/tasks", page(task()));
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("link", { name: "Mail topics" })).toBeVisible();
  });

  it("leads back to signing in when the session has ended", async () => {
    server.on("GET /api/v1/tenants/acme/tasks", refusal(401, "unauthenticated", "Sign in."));
    renderApp("/t/acme/tasks");

    expect(await screen.findByRole("heading", { name: "Sign in again" })).toBeVisible();
  });

  it("leads a person without a tenant to making one", async () => {
    const nobody = { ...me(), memberships: [] };
    server.on("GET /api/v1/me", ok(nobody));
    server.on("POST /api/v1/tenants", () => {
      server.on("GET /api/v1/me", ok(me())).on("GET /api/v1/tenants/acme/tasks", page());
      return ok(me().memberships[0]?.tenant, 201);
    });
    const { user } = renderApp("/");
    await user.type(await screen.findByLabelText("Name"), "Acme");
    await user.click(screen.getByRole("button", { name: "Create tenant" }));

    expect(await screen.findByText("Make your first model")).toBeVisible();
  });
});
