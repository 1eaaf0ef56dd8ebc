import { act, screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { dataset, me, task } from "@/testing/examples";
import { FakeServer, ok, page } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

describe("going from one thing to another of its kind", () => {
  let server: FakeServer;

  beforeEach(() => {
    const ada = me();
    const [acme] = ada.memberships;
    if (!acme) throw new Error("the example has a membership");
    const globex = { ...acme, tenant: { ...acme.tenant, id: "globex-id", slug: "globex", name: "Globex" } };
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok({ ...ada, memberships: [acme, globex] }))
      .on("GET /api/v1/tenants/acme/tasks", page(task({ name: "Tasks of Acme" })))
      .on("GET /api/v1/tenants/acme/datasets", page(dataset({ name: "acme.csv" })))
      .on("GET /api/v1/tenants/globex/tasks", () => new Promise(() => undefined))
      .on("GET /api/v1/tenants/globex/datasets", () => new Promise(() => undefined));
  });

  it("shows nothing of the tenant before while the next one's tasks come", async () => {
    const { user } = renderApp("/t/acme");
    expect(await screen.findByText("Tasks of Acme")).toBeVisible();
    await user.selectOptions(screen.getByLabelText("Tenant"), "globex");

    expect(await screen.findByRole("heading", { name: "Globex" })).toBeVisible();
    expect(screen.queryByText("Tasks of Acme")).toBeNull();
  });

  it("does not take what was typed for one task back to the one before", async () => {
    for (const slug of ["topics", "moods"]) {
      const deployment = { version: 1, version_id: "v1", deployed_at: "2026-01-05T10:00:00Z" };
      server.on(`GET /api/v1/tenants/acme/tasks/${slug}`, ok(task({ slug, name: slug, deployment })));
    }
    const { router, user } = renderApp("/t/acme/tasks/topics/try");
    await screen.findByLabelText("Text");
    await act(() => router.navigate("/t/acme/tasks/moods/try"));
    await screen.findByRole("heading", { name: "Try moods" });
    await user.type(await screen.findByLabelText("Text"), "how it feels");
    await act(() => router.navigate(-1));

    expect(await screen.findByRole("heading", { name: "Try topics" })).toBeVisible();
    expect(screen.getByLabelText("Text")).toHaveValue("");
  });
});
