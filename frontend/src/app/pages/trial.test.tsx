import { act, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Task } from "@/lib/types";
import { drift, listedVersion, me, task, taskTraining, trial, version } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme/tasks/mail-topics";
const deployment = { version: 1, version_id: version().id, deployed_at: "2026-01-05T10:00:00Z" };

describe("a trial", () => {
  let server: FakeServer;
  let current: Task;

  beforeEach(() => {
    current = task({ latest_training: taskTraining(), deployment });
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on("GET /api/v1/tenants/acme/datasets", page())
      .on("GET /api/v1/tenants/acme/tasks/mail-topics/traffic", ok({ by: "hour", results: [] }))
      .on("GET /api/v1/tenants/acme/tasks/mail-topics/drift", ok(drift()))
      .on(`GET ${root}`, () => ok(current))
      .on(`GET ${root}/versions`, page(listedVersion({ number: 2 }), listedVersion()))
      .on(`GET ${root}/trainings`, page())
      .on(`GET ${root}/deployments`, page())
      .on(`GET ${root}/trials/current`, ok(trial()));
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const onTrial = () => {
    current = { ...current, trial: { version: 2, kind: "canary", share: 0.1 } };
  };

  it("stands in the history with what came of it, and why", async () => {
    const reason = "98% of 500 texts got the same label";
    server.on(
      `GET ${root}/trials`,
      page(trial({ state: "promoted", reason, ended_at: "2026-01-06T10:00:00Z" })),
    );
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    const control = await screen.findByRole("button", { name: "Trials so far" });
    expect(server.sentTo(`GET ${root}/trials`)).toEqual([]);
    await user.click(control);

    expect(await screen.findByText("Version 2 beside version 1, canary of 10%")).toBeVisible();
    expect(screen.getByText("Promoted")).toBeVisible();
    expect(screen.getByText(`${reason}.`)).toBeVisible();
  });

  it("is started as a canary with its share", async () => {
    server.on(`POST ${root}/trials`, () => {
      onTrial();
      return ok(trial(), 201);
    });
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await user.click(await screen.findByRole("button", { name: "Try beside: version 2" }));
    await user.click(await screen.findByRole("radio", { name: "Canary" }));
    await user.selectOptions(screen.getByLabelText("Share of the requests"), "0.25");
    await user.click(screen.getByRole("button", { name: "Start the trial" }));

    expect(await screen.findByText("Canary: it answers 10% of the requests.")).toBeVisible();
    expect(server.sentTo(`POST ${root}/trials`)[0]?.body).toMatchObject({
      version: 2,
      kind: "canary",
      share: 0.25,
      is_automatic: true,
    });
    expect(screen.queryByRole("button", { name: /^Try version/ })).toBeNull();
  });

  it("shows its figures and is promoted after asking", async () => {
    onTrial();
    server.on(`POST ${root}/trials/current/promote`, () => {
      current = { ...current, trial: null, deployment: { ...deployment, version: 2 } };
      return ok(trial({ state: "promoted" }));
    });
    const { user } = renderApp("/t/acme/tasks/mail-topics");

    expect(await screen.findByText("96.0%")).toBeVisible();
    expect(screen.getByText("Too few texts for a verdict.")).toBeVisible();
    expect(screen.getByRole("row", { name: /^under 10 ms/ })).toHaveTextContent("under 10 ms80100");
    await user.click(screen.getByRole("button", { name: "Promote" }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Promote" }));
    expect(await screen.findByRole("heading", { name: "Version 2 is serving" })).toBeVisible();
  });

  it("says how far it is from a verdict before anything was compared", async () => {
    onTrial();
    server.on(
      `GET ${root}/trials/current`,
      ok(trial({ comparison: null, kind: "canary", share: 0.1, min_texts: 500 })),
    );
    renderApp("/t/acme/tasks/mail-topics");

    expect(await screen.findByText("Compared: 0 of at least 500 texts")).toBeVisible();
    expect(screen.getByText(/So a verdict takes about 5,000 texts in all\./)).toBeVisible();
  });

  it("tells why it was not started", async () => {
    server.on(`POST ${root}/trials`, refusal(409, "conflict", "Another is running."));
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await user.click(await screen.findByRole("button", { name: "Try beside: version 2" }));
    await user.click(await screen.findByRole("button", { name: "Start the trial" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("Another is running.");
  });

  it("is asked for again after a question that failed", async () => {
    onTrial();
    const failed = refusal(503, "not_ready", "Try again in a moment.");
    vi.useFakeTimers({ shouldAdvanceTime: true });
    renderApp("/t/acme/tasks/mail-topics");
    await screen.findByText("Version 2 is on trial");
    server.on(`GET ${root}/trials/current`, failed);
    await act(() => vi.advanceTimersByTimeAsync(20_000));
    const asked = server.sentTo(`GET ${root}/trials/current`).length;
    await act(() => vi.advanceTimersByTimeAsync(20_000));

    expect(server.sentTo(`GET ${root}/trials/current`).length).toBeGreaterThan(asked);
  });
});
