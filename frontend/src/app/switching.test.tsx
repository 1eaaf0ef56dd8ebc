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

  it("leaves people where they have gone while a file was on its way", async () => {
    let arrive: () => void = () => undefined;
    server
      .on("GET /api/v1/tenants/acme/uploads", page())
      .on("POST /api/v1/tenants/acme/datasets", async () => {
        await new Promise<void>((resolve) => (arrive = resolve));
        return ok(dataset({ name: "large.csv" }), 201);
      });
    const { router, user } = renderApp("/t/acme/datasets");
    await screen.findByText(/Drop a CSV/);
    await user.upload(
      document.querySelector("input[type=file]") as HTMLInputElement,
      new File(["text,label\n"], "large.csv"),
    );
    await screen.findByText(/Checking large\.csv|Sending large\.csv/);
    await act(() => router.navigate("/t/acme/tasks"));
    await act(async () => {
      arrive();
      await Promise.resolve();
    });

    expect(await screen.findByText("large.csv was uploaded")).toBeVisible();
    expect(router.state.navigation.state).toBe("idle");
    expect(router.state.location.pathname).toBe("/t/acme/tasks");
  });
});
