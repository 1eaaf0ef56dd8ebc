import { screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { me, task } from "@/testing/examples";
import { FakeServer, ok, page } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";

describe("the focus after a change of page", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server.on("GET /api/v1/me", ok(me())).on(`GET ${root}/tasks`, page(task()));
  });

  it("is where it was at first, and goes to the heading of the next page", async () => {
    const { user } = renderApp("/t/acme/tasks");
    const link = await screen.findByRole("link", { name: "API keys" });
    expect(document.body).toHaveFocus();
    await user.click(link);

    const heading = await screen.findByRole("heading", { name: "API keys" });
    await expect.poll(() => document.activeElement).toBe(heading);
  });

  it("waits in the content for a heading that comes with an answer", async () => {
    const answer = Promise.withResolvers<ReturnType<typeof ok>>();
    server.on(`GET ${root}/tasks/mail-topics`, () => answer.promise);
    const { user } = renderApp("/t/acme/tasks");
    await user.click(await screen.findByRole("link", { name: "Mail topics" }));

    await expect.poll(() => document.activeElement).toBe(screen.getByRole("main"));
    answer.resolve(ok(task()));
    const heading = await screen.findByRole("heading", { name: "Mail topics" });
    await expect.poll(() => document.activeElement).toBe(heading);
  });

  it("stays in a field that asks for it", async () => {
    server.on("GET /api/v1/me", { status: 401 });
    const { user } = renderApp("/sign-in");
    await user.click(await screen.findByRole("link", { name: /forgot/i }));

    expect(await screen.findByRole("heading", { level: 1, name: /password/i })).toBeVisible();
    await expect.poll(() => document.activeElement).toBe(screen.getByRole("textbox"));
  });
});
