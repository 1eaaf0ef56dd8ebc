import { act, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Training } from "@/lib/types";
import { me, task, training } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";
const address = `/t/acme/tasks/mail-topics/trainings/${training().id}`;

describe("a training", () => {
  let server: FakeServer;
  let current: Training;

  beforeEach(() => {
    current = training();
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/tasks/mail-topics`, ok(task()))
      .on(`GET ${root}/trainings/${current.id}`, () => ok(current))
      .on(`GET ${root}/trainings/${current.id}/events`, page());
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("follows the training to its version without being reloaded", async () => {
    renderApp(address);
    expect(await screen.findByText("40 / 100")).toBeVisible();
    expect(screen.getAllByText("Training the adapter")[0]).toBeVisible();
    const bar = screen.getByRole("progressbar", { name: "Progress of the training" });
    expect(bar).toHaveAttribute("aria-valuenow", "70");

    current = training({ state: "succeeded", version: 3, finished_at: "2026-01-05T10:02:05Z", eta_s: null });

    expect(await screen.findByText("Version 3 is ready", {}, { timeout: 3000 })).toBeVisible();
    expect(screen.getByText("2 min 5 s")).toBeVisible();
    expect(screen.queryByText("Step")).toBeNull();
    expect(screen.queryByRole("button", { name: "Cancel training" })).toBeNull();
  });

  it("that is not there is not asked for again and again", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    server.on(
      `GET ${root}/trainings/${current.id}`,
      refusal(404, "not_found", "There is no such thing here."),
    );
    renderApp(address);
    expect(await screen.findByText("There is nothing here")).toBeVisible();
    await act(() => vi.advanceTimersByTimeAsync(10_000));
    expect(server.sentTo(`GET ${root}/trainings/${current.id}`)).toHaveLength(1);
  });

  it("says why it failed", async () => {
    current = training({
      state: "failed",
      error: { code: "training_failed", message: "The disk is full: free 2 GB." },
    });
    renderApp(address);

    expect(await screen.findByRole("alert")).toHaveTextContent("The disk is full: free 2 GB.");
  });

  it("names the limit of time that ended it", async () => {
    current = training({ state: "succeeded", version: 1, stopped_at: { limit: "max_minutes", minutes: 5 } });
    renderApp(address);
    expect(
      await screen.findByText(/^It was stopped at the limit that was set, 5 minutes, with/),
    ).toBeVisible();
  });

  it("says why it waits", async () => {
    const error = { code: "store_unavailable", message: "The disk is full." };
    current = training({ state: "queued", error, retry_at: "2026-01-05T10:02:05Z" });
    renderApp(address);
    expect(await screen.findByRole("alert")).toHaveTextContent(
      /It is tried again by itself.*The disk is full. It goes on from its last checkpoint at/,
    );
  });

  it("goes on with what failed by a full disk", async () => {
    const error = { code: "store_unavailable", message: "The disk is full." };
    current = training({ state: "failed", error, can_retry: true });
    server.on(`POST ${root}/trainings/${current.id}/retry`, () =>
      ok((current = training({ state: "queued" }))),
    );
    const { user } = renderApp(address);
    await user.click(await screen.findByRole("button", { name: "Try again from where it was" }));
    expect(await screen.findByText("Starts by itself, after those before it")).toBeVisible();
  });

  it("leads on from a cancelled one", async () => {
    server.on(`GET ${root}/trainings/${training().id}`, ok(training({ state: "cancelled" })));
    renderApp(address);
    expect(await screen.findByText("Nothing was made of it")).toBeVisible();
    expect(screen.getByRole("link", { name: "Train again" })).toHaveAttribute(
      "href",
      "/t/acme/tasks/mail-topics",
    );
  });

  it("keeps the dialogue open with the reason when it cannot be cancelled", async () => {
    server.on(
      `POST ${root}/trainings/${current.id}/cancel`,
      refusal(409, "conflict", "It has ended already."),
    );
    const { user } = renderApp(address);
    await user.click(await screen.findByRole("button", { name: "Cancel training" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Cancel training" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("It has ended already.");
    expect(screen.getByRole("dialog")).toBeVisible();
  });

  it("is set aside, and goes on", async () => {
    server
      .on(`POST ${root}/trainings/${current.id}/pause`, () => ok((current = training({ state: "paused" }))))
      .on(`POST ${root}/trainings/${current.id}/resume`, () => ok((current = training({ state: "queued" }))));
    const { user } = renderApp(address);

    await user.click(await screen.findByRole("button", { name: "Pause" }));
    expect(await screen.findByText("Goes on from its last checkpoint when you say so")).toBeVisible();
    expect(screen.getByRole("button", { name: "Cancel training" })).toBeEnabled();
    await user.click(screen.getByRole("button", { name: "Go on with it" }));
    expect(await screen.findByText("Starts by itself, after those before it")).toBeVisible();
  });

  it("says so when it cannot be set aside", async () => {
    server.on(`POST ${root}/trainings/${current.id}/pause`, refusal(409, "conflict", "It has ended."));
    const { user } = renderApp(address);
    await user.click(await screen.findByRole("button", { name: "Pause" }));

    expect(await screen.findByText("It was not paused")).toBeVisible();
    expect(screen.getByText("It has ended.")).toBeVisible();
  });

  it("names what is watched by the kind of task", async () => {
    current = training({ validation_metric: "r2", validation_accuracy: 0.612 });
    renderApp(address);

    expect(await screen.findByText("0.61")).toBeVisible();
    expect(screen.getAllByText("Validation R²")[0]).toBeVisible();
    expect(screen.queryByText("Validation accuracy")).toBeNull();
  });

  it("keeps all that it said, newest last, when it has ended", async () => {
    const messages = [
      "splitting the rows",
      "splitting the rows",
      "training the adapter",
      "publishing the version",
    ];
    const events = messages.map((message, place) => ({
      seq: place + 1,
      at: `2026-01-05T10:00:0${place}Z`,
      phase: "training",
      step: 0,
      num_steps: 0,
      loss: null,
      validation_accuracy: null,
      message,
    }));
    current = training({ state: "succeeded", version: 3, finished_at: "2026-01-05T10:02:05Z" });
    server.on(`GET ${root}/trainings/${current.id}/events`, page(...events));
    const { user } = renderApp(address);
    const heading = await screen.findByRole("heading", { name: "What it did" });
    expect(screen.queryByText("Splitting the rows.")).toBeNull();
    await user.click(heading);

    const lines = within(screen.getByRole("list", { name: "What the training did" })).getAllByRole(
      "listitem",
    );
    expect(lines.map((line) => line.textContent.replace(/^[\d:]{8}/, ""))).toEqual([
      "Splitting the rows.",
      "Training the adapter.",
      "Publishing the version.",
    ]);
    expect(lines[1]?.querySelector("time")).toHaveAttribute("datetime", "2026-01-05T10:00:02Z");
  });

  it("reads a long history page by page", async () => {
    const event = (seq: number) => ({
      seq,
      at: "2026-01-05T10:00:00Z",
      phase: "training",
      step: seq,
      num_steps: 300,
      loss: 1 / seq,
      validation_accuracy: null,
      message: "",
    });
    server.on(`GET ${root}/trainings/${current.id}/events`, ({ query }) => {
      const isFirst = query.get("page") === "1";
      return ok({
        count: 201,
        next: isFirst ? "http://next" : null,
        previous: null,
        results: isFirst ? Array.from({ length: 200 }, (_, i) => event(i + 1)) : [event(201)],
      });
    });
    renderApp(address);

    expect(
      await screen.findByRole(
        "img",
        { name: /Loss: 201 values, the last 0.00 at step 201/ },
        { timeout: 5000 },
      ),
    ).toBeVisible();
  });
});
