import { act, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { allowance, dataset, me, task, taskTraining, version } from "@/testing/examples";
import { FakeServer, ok, page, pages, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";
const today = new Date().toISOString().slice(0, 10);
const deployment = { version: 1, version_id: version().id, deployed_at: "2026-01-05T10:00:00Z" };
const latest_version = { id: version().id, number: 2, created_at: "2026-01-05T10:00:00Z" };

describe("the overview", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/tasks`, page())
      .on(`GET ${root}/datasets`, page())
      .on(`GET ${root}/usage`, ok({ days: 14, results: [] }))
      .on(`GET ${root}/usage/allowance`, ok(allowance()));
  });

  it("leads a newcomer to a first file", async () => {
    renderApp("/");

    expect(await screen.findByText("Make your first model")).toBeVisible();
    expect(screen.getByRole("link", { name: "Start with a file" })).toHaveAttribute(
      "href",
      "/t/acme/new-task",
    );
  });

  it("tells what needs attention, the gravest first, with the way there", async () => {
    server
      .on(
        `GET ${root}/tasks`,
        page(
          task({ slug: "fresh", name: "Fresh" }),
          task({ slug: "two", name: "Two", latest_training: taskTraining(), latest_version, deployment }),
          task({ slug: "new", name: "New", latest_training: taskTraining(), latest_version }),
          task({ slug: "bad", name: "Bad", latest_training: taskTraining({ state: "failed" }) }),
          task({ slug: "busy", name: "Busy", latest_training: taskTraining({ state: "running" }) }),
        ),
      )
      .on(`GET ${root}/datasets`, page(dataset({ state: "blocked" }), dataset({ name: "fine.csv" })));
    renderApp("/t/acme");

    const attention = await screen.findByRole("region", { name: "Needs attention" });
    await within(attention).findByText("mails.csv is not ready to train on");
    const links = within(attention).getAllByRole("link");
    expect(links.map((link) => [link.textContent, link.getAttribute("href")])).toEqual([
      ["See why", `/t/acme/tasks/bad/trainings/${taskTraining().id}`],
      ["Deploy", "/t/acme/new-task/new"],
      ["Fix it", `/t/acme/datasets/${dataset().id}`],
      ["Go on", "/t/acme/new-task/fresh"],
      ["Compare them", "/t/acme/tasks/two/compare?versions=1,2"],
    ]);
  });

  it("finds what needs attention on later pages of the lists, too", async () => {
    const well = task({ deployment, latest_training: taskTraining() });
    const failed = task({
      id: "t2",
      slug: "bad",
      name: "Bad",
      latest_training: taskTraining({ state: "failed" }),
    });
    server
      .on(`GET ${root}/tasks`, pages(well, failed))
      .on(`GET ${root}/datasets`, pages(dataset(), dataset({ id: "d2", series: "s2", state: "blocked" })));
    renderApp("/t/acme");

    const attention = await screen.findByRole("region", { name: "Needs attention" });
    expect(await within(attention).findByText("The training of Bad failed")).toBeVisible();
    expect(await within(attention).findByText("mails.csv is not ready to train on")).toBeVisible();
  });

  it("asks for no fix of a task that has been deleted, though another page listed all", async () => {
    const failed = task({
      id: "t2",
      slug: "bad",
      name: "Bad",
      latest_training: taskTraining({ state: "failed" }),
    });
    const well = task({ deployment, latest_training: taskTraining() });
    server.on(`GET ${root}/tasks`, page(well, failed)).on(`GET ${root}/keys`, page());
    const { router } = renderApp("/t/acme/keys");
    await waitFor(() => expect(server.sentTo(`GET ${root}/tasks`)).not.toHaveLength(0));
    await screen.findByRole("heading", { name: "API keys" });

    server.on(`GET ${root}/tasks`, page(well));
    await act(() => router.navigate("/t/acme"));
    expect(await screen.findByRole("region", { name: "Tasks" })).toBeVisible();
    expect(screen.queryByText("The training of Bad failed")).toBeNull();
  });

  it("tells of limits that are nearly used up, or are", async () => {
    server
      .on(`GET ${root}/tasks`, page(task({ deployment, latest_training: taskTraining() })))
      .on(
        `GET ${root}/usage/allowance`,
        ok(allowance({ quota_texts: 1000, used_texts: 850, max_stored_bytes: 5_000_000 })),
      );
    renderApp("/t/acme");

    const attention = await screen.findByRole("region", { name: "Needs attention" });
    expect(await within(attention).findByText("Texts since Jan 1: 850 of 1,000")).toBeVisible();
    expect(attention).toHaveTextContent("Stored now: 5.0 MB of 5.0 MB");
    expect(attention).toHaveTextContent("Full: uploads are refused.");
    const links = within(attention).getAllByRole("link");
    expect(links.map((link) => link.getAttribute("href"))).toEqual(["/t/acme/usage", "/t/acme/usage"]);
  });

  it("asks for no fix of a file of which a later version was fixed", async () => {
    const fixed = dataset({ id: "6a1f0000-0000-4000-8000-000000000055", version: 2 });
    server
      .on(`GET ${root}/tasks`, page(task({ deployment, latest_training: taskTraining() })))
      .on(`GET ${root}/datasets`, page(fixed, dataset({ state: "blocked" })));
    renderApp("/t/acme");

    expect(await screen.findByText(/^Nothing: every task/)).toBeVisible();
    await waitFor(() => expect(server.sentTo(`GET ${root}/datasets`)).toHaveLength(1));
    expect(screen.queryByText(/is not ready to train on/)).toBeNull();
  });

  it("tells of live texts that have changed, with the way to what can be done", async () => {
    const drift_alarms = [{ part: "coverage" as const, since: "2026-01-05T10:00:00Z" }];
    server.on(
      `GET ${root}/tasks`,
      page(task({ deployment: { ...deployment, version: 2 }, latest_version, drift_alarms })),
    );
    renderApp("/t/acme");

    const attention = await screen.findByRole("region", { name: "Needs attention" });
    expect(attention).toHaveTextContent("The texts that Mail topics gets have changed");
    const [link] = within(attention).getAllByRole("link");
    expect(link).toHaveTextContent("See how");
    expect(link).toHaveAttribute("href", "/t/acme/tasks/mail-topics");
  });

  it("tells of a task that will move to a tree that is worse for it", async () => {
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
    server.on(
      `GET ${root}/tasks`,
      page(task({ deployment: { ...deployment, version: 2 }, latest_version, hold })),
    );
    renderApp("/t/acme");

    const attention = await screen.findByRole("region", { name: "Needs attention" });
    expect(attention).toHaveTextContent("Mail topics stays on an older tree until Jan 12, 2026");
    expect(within(attention).getByRole("link", { name: /See what to do/ })).toHaveAttribute(
      "href",
      "/t/acme/tasks/mail-topics",
    );
  });

  it("shows what was used, and the next step while nothing was", async () => {
    server.on(`GET ${root}/tasks`, page(task({ deployment })));
    renderApp("/t/acme");

    expect(await screen.findByText("Next: let your application call")).toBeVisible();
    expect(await screen.findByText(/No calls yet/)).toBeVisible();
  });

  it("sums the usage of the last days", async () => {
    const row = {
      task_id: task().id,
      num_requests: 1,
      num_texts: 1200,
      num_tokens: 34_000,
      num_truncated: 0,
    };
    server
      .on(`GET ${root}/tasks`, page(task({ deployment })))
      .on(`GET ${root}/usage`, ok({ days: 14, results: [{ ...row, task: "mail-topics", day: today }] }));
    renderApp("/t/acme");

    const summed = await screen.findByText("1,200");
    expect(summed.parentElement).toHaveTextContent("1,200 texts");
    expect(screen.getByText("1", { selector: "span" }).parentElement).toHaveTextContent("1 call");
    expect(screen.getByRole("img", { name: /^Texts answered, .* at most 1,200/ })).toBeVisible();
    expect(screen.queryByText("Next: let your application call")).toBeNull();
  });

  it("keeps its tasks in view when usage cannot be loaded", async () => {
    server
      .on(`GET ${root}/tasks`, page(task({ deployment })))
      .on(`GET ${root}/usage`, refusal(403, "forbidden", "Not for you."));
    renderApp("/t/acme");

    expect(await screen.findByRole("alert")).toHaveTextContent("Not for you.");
    expect(screen.getByRole("link", { name: "Mail topics" })).toBeVisible();
  });
});
