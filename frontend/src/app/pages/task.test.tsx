import { focusManager } from "@tanstack/react-query";
import { act, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Task } from "@/lib/types";
import {
  dataset,
  domain,
  drift,
  listedVersion,
  me,
  task,
  taskTraining,
  training,
  version,
} from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";
const file = () => new File(["text,label\n"], "mails.csv", { type: "text/csv" });

const trained = taskTraining();

describe("a task", () => {
  let server: FakeServer;
  let current: Task;

  afterEach(() => {
    focusManager.setFocused(undefined);
    vi.useRealTimers();
  });

  beforeEach(() => {
    current = task();
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/tasks/mail-topics`, () => ok(current))
      .on(`GET ${root}/datasets`, page())
      .on(`GET ${root}/tasks/mail-topics/traffic`, ok({ by: "hour", results: [] }))
      .on(`GET ${root}/tasks/mail-topics/drift`, ok(drift()))
      .on(`GET ${root}/tasks/mail-topics/versions`, page(listedVersion({ number: 2 }), listedVersion()))
      .on(`GET ${root}/tasks/mail-topics/trainings`, page())
      .on(`GET ${root}/tasks/mail-topics/deployments`, page());
  });

  async function upload(user: ReturnType<typeof renderApp>["user"]) {
    await screen.findByText(/Drop a CSV/);
    await user.upload(document.querySelector("input[type=file]") as HTMLInputElement, file());
  }

  it("shows every reason why a file was refused, with what to do", async () => {
    const findings = [
      {
        code: "dataset_empty_values",
        message: "The text is empty in rows 3 and 8.",
        fix: "Fill or delete them.",
      },
      { code: "dataset_bad_format", message: "The text holds NUL in row 9.", fix: "Remove the character." },
    ];
    server.on(
      `POST ${root}/datasets`,
      refusal(422, "dataset_empty_values", "The text is empty.", { findings }),
    );
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await upload(user);

    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("nothing was kept of it");
    expect(alert).toHaveTextContent("The text is empty in rows 3 and 8.");
    expect(alert).toHaveTextContent("Fill or delete them.");
    expect(alert).toHaveTextContent("The text holds NUL in row 9.");
  });

  it("sends the names of the columns with the next try when a column was missing", async () => {
    const findings = [
      { code: "dataset_missing_column", message: "No column is named 'text'.", fix: "Name it." },
    ];
    server.on(`POST ${root}/datasets`, refusal(422, "dataset_missing_column", "No column.", { findings }));
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await upload(user);

    await user.type(await screen.findByLabelText("Column with the text"), "body");
    await user.click(screen.getByRole("button", { name: "Upload mails.csv again" }));

    const [, second] = server.sentTo(`POST ${root}/datasets`);
    expect((second?.body as FormData).get("text_column")).toBe("body");
    expect((second?.body as FormData).has("label_column")).toBe(false);
  });

  it("goes from the file to the running training", async () => {
    const uploaded = dataset();
    server
      .on(`POST ${root}/datasets`, () => {
        server.on(`GET ${root}/datasets`, page(uploaded));
        return ok(uploaded, 201);
      })
      .on(
        `GET ${root}/datasets/${uploaded.id}/rows`,
        ok({ count: 400, results: [{ row: 2, text: "Where is it?", label: "delivery" }] }),
      )
      .on(`POST ${root}/tasks/mail-topics/trainings`, ok(training({ state: "queued" }), 201))
      .on(`GET ${root}/trainings/${training().id}`, ok(training()))
      .on(`GET ${root}/trainings/${training().id}/events`, page());
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await upload(user);

    expect(await screen.findByText("Where is it?")).toBeVisible();
    expect(screen.getByText("No problems found")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Start training" }));

    expect(await screen.findByRole("heading", { name: "Training of Mail topics" })).toBeVisible();
    expect(await screen.findByText("about 1 min left")).toBeVisible();
    expect(server.sentTo(`POST ${root}/tasks/mail-topics/trainings`)[0]?.body).toEqual({
      dataset: uploaded.id,
    });
  });

  describe("that is held on an older tree", () => {
    const hold = {
      reason: "loses" as const,
      since: "2026-01-05T10:00:00Z",
      until: "2026-01-12T10:00:00Z",
      old_tree: "sha256:" + "ab".repeat(32),
      new_tree: "sha256:" + "cd".repeat(32),
      num_rows: 200,
      metric: "accuracy",
      accuracy_old: 0.9,
      accuracy_new: 0.85,
    };

    beforeEach(() => {
      current = task({
        latest_training: trained,
        latest_version: { id: version().id, number: 2, created_at: "2026-01-05T10:00:00Z" },
        deployment: { version: 2, version_id: version().id, deployed_at: "2026-01-05T10:00:00Z" },
        hold,
      });
      server.on(`GET ${root}/tasks/mail-topics/versions/2`, ok(version({ number: 2 })));
    });

    async function notice() {
      const title = await screen.findByText(/^It stays on an older tree until/);
      return title.closest("[role=status]") as HTMLElement;
    }

    it("says until when, what leaving it costs, and leads to a new training", async () => {
      const { user } = renderApp("/t/acme/tasks/mail-topics");

      const said = await notice();
      expect(said).toHaveTextContent(/until Jan 12, 2026/);
      expect(said).toHaveTextContent("answered worse with it");
      expect(said).toHaveTextContent("serves on tree abababababab and moves to cdcdcdcdcdcd");
      expect(said).toHaveTextContent("Accuracy on 200 held-out rows: 90.0% on the one, 85.0% on the other.");
      expect(within(said).queryByRole("link")).toBeNull();
      await user.click(within(said).getByRole("button", { name: "Train a new version" }));
      expect(document.getElementById("train")).toHaveFocus();
    });

    it("leads to the consent where it could not be tried", async () => {
      current = {
        ...current,
        hold: {
          ...hold,
          reason: "untried",
          num_rows: 0,
          metric: null,
          accuracy_old: null,
          accuracy_new: null,
        },
      };
      renderApp("/t/acme/tasks/mail-topics");

      const said = await notice();
      expect(said).toHaveTextContent("could not be tried");
      expect(said).not.toHaveTextContent("held-out rows:");
      expect(within(said).getByRole("link")).toHaveAttribute("href", "/t/acme/domains/mail-topics");
    });

    it.each([
      ["r2", 0.25, "Variance explained (R²) on 200 held-out rows: 0.25 on the one, −0.50 on the other"],
      ["row_quality", 1.25, "Quality of a row on 200 held-out rows: 1.25 on the one, −0.50 on the other"],
    ])("names the figure that the task is judged by: %s", async (metric, old, words) => {
      current = {
        ...current,
        kind: "score",
        hold: { ...hold, metric, accuracy_old: old, accuracy_new: -0.5 },
      };
      renderApp("/t/acme/tasks/mail-topics");

      expect(await notice()).toHaveTextContent(words);
    });

    it("offers a viewer nothing to press", async () => {
      server.on("GET /api/v1/me", ok(me("viewer")));
      renderApp("/t/acme/tasks/mail-topics");

      expect(within(await notice()).queryByRole("button")).toBeNull();
    });

    it("says nothing of a task that is not held", async () => {
      current = { ...current, hold: null };
      renderApp("/t/acme/tasks/mail-topics");

      expect(await screen.findByText("Version 2 is serving")).toBeVisible();
      expect(screen.queryByText(/stays on an older tree/)).toBeNull();
    });
  });

  it("says first what a training would take and give", async () => {
    const estimate = {
      id: "6a1f0000-0000-4000-8000-000000000020",
      task: "mail-topics",
      dataset: dataset().id,
      state: "queued",
      recipe: {},
      message: "",
      result: null,
      error: null,
      created_at: "2026-01-05T10:00:00Z",
      finished_at: null,
    };
    const result = {
      num_rows: 400,
      num_train_rows: 320,
      num_steps: 60,
      seconds: 200,
      seconds_least: 80,
      limit_s: 150,
      adapter_bytes: 290_000,
      plot_bytes: 1_400_000,
      metric: "micro_f1",
      majority_accuracy: 0.75,
      accuracy: { low: 0.85, high: 0.93, probe_accuracy: 0.86, probe_ci95: [0.82, 0.9], probe_rows: 400 },
    };
    server
      .on(`GET ${root}/datasets`, page(dataset()))
      .on(`POST ${root}/tasks/mail-topics/trainings/estimate`, ok(estimate, 201))
      .on(`GET ${root}/estimates/${estimate.id}`, ok({ ...estimate, state: "succeeded", result }));
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await user.click(await screen.findByRole("button", { name: "Estimate first" }));

    const told = await screen.findByText(/^About 3 min, or 1 min where it stops/);
    expect(told).toHaveTextContent("That is longer than the 3 min that a training may take here");
    expect(told.closest("ul")).toHaveTextContent("Micro F1 between 85% and 93%");
    expect(told.closest("ul")).toHaveTextContent("A version of 290 kB, and 1.4 MB of PLOT for its domain.");
    expect(server.sentTo(`POST ${root}/tasks/mail-topics/trainings/estimate`)[0]?.body).toEqual({
      dataset: dataset().id,
    });
    expect(server.sentTo(`POST ${root}/tasks/mail-topics/trainings`)).toEqual([]);

    await user.click(screen.getByRole("button", { name: "The recipe" }));
    await waitFor(() => expect(screen.getByLabelText("Rank")).toBeVisible());
    await user.type(screen.getByLabelText("Rank"), "32");
    expect(screen.queryByText(/^About 3 min/), "that was of another recipe").toBeNull();
  });

  it("offers a private leaf in a shared domain, and sends of the recipe what differs", async () => {
    current = task({ domain: "news" });
    server
      .on(`GET ${root}/datasets`, page(dataset()))
      .on(`GET ${root}/domains`, page(domain({ slug: "news", is_shared: true })))
      .on(`POST ${root}/tasks/mail-topics/trainings`, refusal(400, "invalid_field", "Too large."));
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await user.click(await screen.findByRole("checkbox", { name: "Try a private leaf" }));
    await user.selectOptions(screen.getByLabelText("Size of the leaf"), "8");
    await user.click(screen.getByRole("button", { name: "The recipe" }));
    // Until it has unfolded, keys would go nowhere.
    await waitFor(() => expect(screen.getByLabelText("Rank")).toBeVisible());
    await user.type(screen.getByLabelText("Rank"), "16");
    await user.type(screen.getByLabelText("At most, in minutes"), "30");
    await user.selectOptions(screen.getByLabelText("Search for a better one"), "4");
    await user.click(screen.getByRole("checkbox", { name: /^Compare with a model on computed/ }));
    await user.click(screen.getByRole("button", { name: "Start training" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("Too large.");
    expect(server.sentTo(`POST ${root}/tasks/mail-topics/trainings`)[0]?.body).toEqual({
      dataset: dataset().id,
      recipe: { leaf_mb: 8, rank: 16, max_minutes: 30, search: 4, distil: false, compare_computed: false },
    });
  });

  it("offers no leaf in a domain of the tenant's own", async () => {
    server
      .on(`GET ${root}/datasets`, page(dataset()))
      .on(`GET ${root}/domains`, page(domain({ slug: "mail-topics" })));
    renderApp("/t/acme/tasks/mail-topics");

    expect(await screen.findByRole("button", { name: "Start training" })).toBeVisible();
    await expect.poll(() => server.sentTo(`GET ${root}/domains`)).toHaveLength(1);
    expect(screen.queryByRole("checkbox", { name: "Try a private leaf" })).toBeNull();
  });

  it("shows a training that was set aside instead of offering another", async () => {
    current = task({ latest_training: { ...trained, state: "paused" } });
    server.on(`GET ${root}/trainings/${training().id}`, ok(training({ state: "paused" })));
    renderApp("/t/acme/tasks/mail-topics");

    expect(await screen.findByRole("heading", { name: "A training is paused" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Start training" })).toBeNull();
  });

  const serving = () =>
    task({
      latest_training: trained,
      deployment: { version: 2, version_id: version().id, deployed_at: "2026-01-05T10:00:00Z" },
    });

  it("shows texts, latency and coverage of what serves, by hours or by days", async () => {
    current = serving();
    const quiet = { num_requests: 0, num_texts: 0, num_tokens: 0 };
    const period = {
      at: "2026-01-05T10:00:00Z",
      num_requests: 3,
      num_texts: 321,
      num_tokens: 4000,
      latency_p50_ms: 8.4,
      latency_p99_ms: 61,
      coverage: { trigram: 0.4, bigram: 0.35, unigram: 0.25, exact: 0 },
    };
    server.on(`GET ${root}/tasks/mail-topics/traffic`, ({ query }) =>
      ok({
        by: query.get("by"),
        results: [
          { ...period, ...quiet, latency_p50_ms: null, latency_p99_ms: null, coverage: null },
          period,
        ],
      }),
    );
    const { user } = renderApp("/t/acme/tasks/mail-topics");

    expect(await screen.findByRole("img", { name: /^Texts: 321 in all/ })).toBeVisible();
    expect(screen.getByRole("img", { name: /^Time to answer: the last 8.4 ms .* 61 ms/ })).toBeVisible();
    expect(screen.getByRole("img", { name: "How much PLOT knew: the last 75% in context" })).toBeVisible();
    await user.click(screen.getByText("30 days"));
    await expect
      .poll(() => server.sentTo(`GET ${root}/tasks/mail-topics/traffic`).at(-1)?.query.get("periods"))
      .toBe("30");
  });

  const alarming = drift({
    num_texts: 500,
    is_enough: true,
    is_alarm: true,
    coverage: { training: 0.75, live: 0.5, threshold: 0.1, is_alarm: true },
    labels: {
      training: [0.75, 0.25],
      live: [0.7, 0.3],
      stability_index: 0.01,
      threshold: 0.2,
      is_alarm: false,
      bounds: [],
    },
    alarms: [{ part: "coverage", since: "2026-01-05T10:00:00Z", figures: {} }],
    actions: [
      {
        name: "refresh_domain",
        path: `${root}/domains/mail-topics/updates`,
        body: null,
        is_suggested: true,
        obstacle: null,
      },
      {
        name: "retrain",
        path: `${root}/tasks/mail-topics/trainings`,
        body: { dataset: dataset().id },
        is_suggested: false,
        obstacle: null,
      },
    ],
  });

  it("sounds an alarm when the texts have changed, and says what to do", async () => {
    current = serving();
    server
      .on(`GET ${root}/tasks/mail-topics/drift`, ok(alarming))
      .on(`GET ${root}/tasks/mail-topics/versions/2`, ok(version({ number: 2 })))
      .on(`POST ${root}/domains/mail-topics/updates`, ok({}, 201));
    const { user } = renderApp("/t/acme/tasks/mail-topics");

    const alarm = await screen.findByRole("alert");
    expect(alarm).toHaveTextContent("PLOT knows less of them than of the texts it was tested on.");
    expect(await screen.findByRole("row", { name: /^delivery/ })).toHaveTextContent("delivery25%30%");
    await user.click(within(alarm).getByRole("button", { name: "Give it newer texts" }));
    expect(screen.getByRole("region", { name: "Train a new version" })).toHaveFocus();
    await user.click(within(alarm).getByRole("button", { name: "Refresh the domain" }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Update" }));
    await expect.poll(() => server.sentTo(`POST ${root}/domains/mail-topics/updates`)).toHaveLength(1);
    expect(await screen.findByText("The domain is being refreshed")).toBeVisible();
  });

  it("trains again on the data that the API names, after asking", async () => {
    current = serving();
    server
      .on(`GET ${root}/tasks/mail-topics/drift`, ok(alarming))
      .on(`GET ${root}/tasks/mail-topics/versions/2`, ok(version({ number: 2 })))
      .on(`POST ${root}/tasks/mail-topics/trainings`, ok(training(), 201));
    const { user, router } = renderApp("/t/acme/tasks/mail-topics");

    await user.click(await screen.findByRole("button", { name: "Retrain" }));
    await user.click(
      within(await screen.findByRole("dialog")).getByRole("button", { name: "Start training" }),
    );
    await expect
      .poll(() => router.state.location.pathname)
      .toBe(`/t/acme/tasks/mail-topics/trainings/${training().id}`);
    const [sent] = server.sentTo(`POST ${root}/tasks/mail-topics/trainings`);
    expect(sent?.body).toEqual({ dataset: dataset().id });
  });

  it("says why a shared domain is not refreshed here, and what of an alarm stands from before", async () => {
    current = serving();
    const obstacle = "news is shared: the operator updates it.";
    const actions = alarming.actions.map((action) =>
      action.name === "refresh_domain" ? { ...action, is_suggested: false, obstacle } : action,
    );
    server
      .on(
        `GET ${root}/tasks/mail-topics/drift`,
        ok(drift({ num_texts: 500, is_enough: true, alarms: alarming.alarms, actions })),
      )
      .on(`GET ${root}/tasks/mail-topics/versions/2`, ok(version({ number: 2 })));
    renderApp("/t/acme/tasks/mail-topics");

    const alarm = await screen.findByRole("alert");
    expect(alarm).toHaveTextContent(/PLOT knows less .* Noticed \d+ days ago/);
    expect(alarm).toHaveTextContent(obstacle);
    expect(within(alarm).getByRole("button", { name: "Refresh the domain" })).toBeDisabled();
  });

  it("shows the values of a task that predicts a score by their buckets", async () => {
    current = serving();
    const scores = {
      training: [0.5, 0.25, 0.25],
      live: [0.05, 0.1, 0.85],
      bounds: [0, 2.5],
      stability_index: 1.2,
      threshold: 0.2,
      is_alarm: true,
    };
    const changed = drift({ num_texts: 500, is_enough: true, is_alarm: true, scores });
    server.on(`GET ${root}/tasks/mail-topics/drift`, ok(changed));
    renderApp("/t/acme/tasks/mail-topics");

    expect(await screen.findByRole("alert")).toHaveTextContent("values that it predicts are distributed");
    expect(await screen.findByRole("row", { name: /^below 0 / })).toHaveTextContent("50%5%");
    expect(screen.getByRole("row", { name: /^0 to 2.5 / })).toHaveTextContent("25%10%");
    expect(screen.getByRole("row", { name: /^2.5 and above / })).toHaveTextContent("25%85%");
  });

  it("keeps still when they have not, or when there are too few to tell", async () => {
    current = serving();
    server.on(`GET ${root}/tasks/mail-topics/drift`, ok(drift({ num_texts: 500, is_enough: true })));
    renderApp("/t/acme/tasks/mail-topics");

    expect(await screen.findByText("500 texts, much like those that it was tested on.")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Refresh the domain" })).toBeNull();
  });

  it("asks before it rolls back to an older version", async () => {
    current = task({
      latest_training: trained,
      deployment: { version: 2, version_id: version().id, deployed_at: "2026-01-05T10:00:00Z" },
    });
    server.on(`POST ${root}/tasks/mail-topics/deployments`, ok({}, 201));
    const { user } = renderApp("/t/acme/tasks/mail-topics");

    await user.click(await screen.findByRole("button", { name: "Roll back to version 1" }));
    const dialog = await screen.findByRole("dialog");
    expect(server.sentTo(`POST ${root}/tasks/mail-topics/deployments`)).toEqual([]);
    await user.click(within(dialog).getByRole("button", { name: "Roll back" }));

    expect(await screen.findByText("Version 1 serves now")).toBeVisible();
    expect(server.sentTo(`POST ${root}/tasks/mail-topics/deployments`)[0]?.body).toEqual({ version: 1 });
  });

  it("says that a first version serves, although its button has gone by then", async () => {
    const slowVersions = Promise.withResolvers<ReturnType<typeof page>>();
    current = task({ latest_training: trained });
    server.on(`POST ${root}/tasks/mail-topics/deployments`, () => {
      current = {
        ...current,
        deployment: { version: 2, version_id: version().id, deployed_at: "2026-01-05T10:00:00Z" },
      };
      server.on(`GET ${root}/tasks/mail-topics/versions`, () => slowVersions.promise);
      return ok({}, 201);
    });
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    await user.click(await screen.findByRole("button", { name: "Deploy version 2" }));

    expect(await screen.findByRole("heading", { name: "Version 2 is serving" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Deploy version 2" })).toBeNull();
    slowVersions.resolve(page(version({ number: 2 }), version()));
    expect(await screen.findByText("Version 2 serves now")).toBeVisible();
  });

  it("offers a viewer nothing that changes it", async () => {
    server.on("GET /api/v1/me", ok(me("viewer")));
    renderApp("/t/acme/tasks/mail-topics");

    expect(await screen.findByRole("heading", { name: "Mail topics" })).toBeVisible();
    expect(screen.queryByText(/Drop a CSV/)).toBeNull();
    expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
  });

  it("lets unusual texts be computed in full, and says how usual the texts were", async () => {
    current = task({
      latest_training: trained,
      latest_version: { id: version().id, number: 2, created_at: "2026-01-05T10:00:00Z" },
    });
    server
      .on(`GET ${root}/tasks/mail-topics/versions/2`, ok(version({ number: 2 })))
      .on(`PATCH ${root}/tasks/mail-topics`, ({ body }) => {
        current = { ...current, ...(body as Partial<Task>) };
        return ok(current);
      });
    const { user } = renderApp("/t/acme/tasks/mail-topics");

    const settings = await screen.findByRole("region", { name: "Settings" });
    expect(await within(settings).findByText(/75% was known on average/)).toBeVisible();
    await user.selectOptions(within(settings).getByLabelText("Unusual texts"), "0.5");
    await user.click(within(settings).getByRole("button", { name: "Save" }));

    expect(await within(settings).findByText("Saved.")).toBeVisible();
    expect(server.sentTo(`PATCH ${root}/tasks/mail-topics`)[0]?.body).toEqual({ coverage_floor: 0.5 });
  });

  it("leaves a name that somebody else has given meanwhile", async () => {
    server.on(`PATCH ${root}/tasks/mail-topics`, () => ok(current));
    const { user } = renderApp("/t/acme/tasks/mail-topics");
    const floor = await screen.findByLabelText("Unusual texts");
    current = { ...current, name: "Mail of all kinds" };
    vi.useFakeTimers({ shouldAdvanceTime: true });
    await act(() => vi.advanceTimersByTimeAsync(6_000));
    act(() => focusManager.setFocused(true));
    await screen.findByRole("heading", { name: "Mail of all kinds" });
    vi.useRealTimers();
    await user.selectOptions(floor, "0.5");
    await user.click(screen.getByRole("button", { name: "Save" }));

    expect(screen.getByLabelText("Name")).toHaveValue("Mail of all kinds");
    expect(server.sentTo(`PATCH ${root}/tasks/mail-topics`)[0]?.body).toEqual({ coverage_floor: 0.5 });
  });

  it("shows a floor that a program has set, and takes it away", async () => {
    current = task({ coverage_floor: 0.625 });
    server.on(`PATCH ${root}/tasks/mail-topics`, () => ok((current = task())));
    const { user } = renderApp("/t/acme/tasks/mail-topics");

    const floor = await screen.findByLabelText("Unusual texts");
    expect(floor).toHaveDisplayValue("Compute texts of which less than 63% is known");
    await user.selectOptions(floor, "");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Saved.")).toBeVisible();
    expect(server.sentTo(`PATCH ${root}/tasks/mail-topics`)[0]?.body).toEqual({ coverage_floor: null });
  });

  it("keeps what was typed when a change is refused", async () => {
    server.on(`PATCH ${root}/tasks/mail-topics`, refusal(503, "unavailable", "Try again."));
    const { user } = renderApp("/t/acme/tasks/mail-topics");

    const name = await screen.findByLabelText("Name");
    await user.clear(name);
    await user.type(name, "Mail kinds");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Nothing was changed")).toBeVisible();
    expect(name).toHaveValue("Mail kinds");
  });
});
