import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import type { Task } from "@/lib/types";
import { dataset, domain, me, task, taskTraining, training, version } from "@/testing/examples";
import { FakeServer, ok, page, pages, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";
const shared = domain({
  id: "6a1f0000-0000-4000-8000-0000000000b1",
  slug: "news",
  name: "News",
  is_shared: true,
});
const own = domain();

function suggested(best: string | null) {
  return {
    state: "succeeded",
    error: null,
    best,
    num_texts: 400,
    coverages: [
      { domain_id: null, trigram: 0.1, bigram: 0.2, unigram: 0.7 },
      { domain_id: shared.id, trigram: 0.3, bigram: 0.3, unigram: 0.4 },
      { domain_id: own.id, trigram: 0.2, bigram: 0.3, unigram: 0.5 },
    ],
  };
}

describe("the wizard", () => {
  let server: FakeServer;
  let current: Task;

  beforeEach(() => {
    current = task();
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/datasets`, page(dataset()))
      .on(`GET ${root}/datasets/${dataset().id}`, ok(dataset()))
      .on(`GET ${root}/datasets/${dataset().id}/rows`, ok({ count: 0, results: [] }))
      .on(`GET ${root}/datasets/${dataset().id}/suggestion`, ok(suggested(null)))
      .on(`GET ${root}/domains`, page(shared, own))
      .on(`POST ${root}/tasks`, () => ok(current, 201))
      .on(`GET ${root}/tasks/mail-topics`, () => ok(current))
      .on(`GET ${root}/tasks/mail-topics/versions/1`, ok(version()));
  });

  const created = () => server.sentTo(`POST ${root}/tasks`).map(({ body }) => body);
  const nameStep = `/t/acme/new-task?dataset=${dataset().id}`;

  it("goes on with a part where the file's rows belong to two domains", async () => {
    const part = dataset({ id: "6a1f0000-0000-4000-8000-000000000025", name: "mails.csv: News" });
    const shares = { coverage: 0.6, coverage_together: 0.5 };
    const parts = [own, shared].map(({ id }) => ({ domain_id: id, num_rows: 200, examples: [2], ...shares }));
    server
      .on(
        `GET ${root}/datasets/${dataset().id}/suggestion`,
        ok({ ...suggested(own.id), split: { ...shares, parts } }),
      )
      .on(`POST ${root}/datasets/${dataset().id}/suggestion/split`, ok({ results: [dataset(), part] }, 201))
      .on(`GET ${root}/datasets/${part.id}`, ok(part))
      .on(`GET ${root}/datasets/${part.id}/suggestion`, ok(suggested(shared.id)));
    const { user } = renderApp(nameStep);
    await user.click(await screen.findByRole("button", { name: "Make a dataset of each part" }));
    await user.click(await screen.findByRole("button", { name: "Make them" }));
    await user.click(await screen.findByRole("link", { name: "mails.csv: News" }));

    await waitFor(() => expect(screen.getByLabelText("Name")).toHaveValue("Mails.csv: News"));
    expect(screen.queryByText(/These rows belong to/)).toBeNull();
  });

  it("leads from a file to a deployed model, each step when the one before is done", async () => {
    server
      .on(`POST ${root}/tasks/mail-topics/trainings`, () => {
        current = { ...current, latest_training: taskTraining({ state: "running" }) };
        return ok(training(), 201);
      })
      .on(`GET ${root}/trainings/${training().id}`, () => {
        const done = taskTraining({ state: "succeeded" });
        current = {
          ...current,
          latest_training: done,
          latest_version: { id: version().id, number: 1, created_at: "2026-01-05T10:00:00Z" },
        };
        return ok(training({ state: "succeeded", version: 1 }));
      })
      .on(`POST ${root}/tasks/mail-topics/deployments`, () => {
        const deployment = { version: 1, version_id: version().id, deployed_at: "2026-01-05T10:00:00Z" };
        current = { ...current, deployment };
        return ok({}, 201);
      });
    const { user } = renderApp("/t/acme/new-task");

    await user.selectOptions(await screen.findByLabelText(/uploaded before/), dataset().id);
    await user.click(await screen.findByRole("button", { name: "Go on with this file" }));
    expect(await screen.findByLabelText("Name")).toHaveValue("Mails");
    await user.click(screen.getByRole("button", { name: "Create task" }));
    expect(await screen.findByText("Train the model")).toBeVisible();
    await user.click(await screen.findByRole("button", { name: "Start training" }));
    expect(server.sentTo(`POST ${root}/tasks/mail-topics/trainings`)[0]?.body).toEqual({
      dataset: dataset().id,
    });

    expect(await screen.findByText("Version 1 is ready", {}, { timeout: 6000 })).toBeVisible();
    expect(await screen.findByText("92.5%")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Deploy version 1" }));
    expect(await screen.findByText("Version 1 serves")).toBeVisible();
    expect(screen.getByLabelText("Text")).toBeVisible();
    expect(created()).toEqual([{ name: "Mails", kind: "single_label" }]);
  });

  it("suggests the domain of one's own that knows the text best", async () => {
    server.on(`GET ${root}/datasets/${dataset().id}/suggestion`, ok(suggested(own.id)));
    const { user } = renderApp(nameStep);

    expect(await screen.findByText("Suggested")).toBeVisible();
    const choice = screen.getByRole("radio", { name: /^Mails/ });
    expect(choice).toBeChecked();
    expect(within(choice).getByText(/Knows 50% of your text/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Create task" }));
    await screen.findByText("Train the model");
    expect(created()).toEqual([{ name: "Mails", kind: "single_label", domain: "mails" }]);
  });

  it("makes a domain below a shared one", async () => {
    server
      .on(`GET ${root}/datasets/${dataset().id}/suggestion`, ok(suggested(shared.id)))
      .on(`POST ${root}/domains`, ok(domain({ slug: "mails-2" }), 201));
    const { user } = renderApp(nameStep);

    expect(await screen.findByText("Suggested")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Create task" }));
    await screen.findByText("Train the model");
    expect(server.sentTo(`POST ${root}/domains`)[0]?.body).toEqual({
      name: "Mails",
      parent_domain: "news",
    });
    expect(created()).toEqual([{ name: "Mails", kind: "single_label", domain: "mails-2" }]);
  });

  it("makes another domain where another place is chosen after the task was refused", async () => {
    const law = domain({ id: "law-id", slug: "law", name: "Law", is_shared: true });
    const slugs = ["mails-2", "mails-3"];
    server
      .on(`GET ${root}/domains`, page(shared, law))
      .on(`POST ${root}/domains`, () => ok(domain({ slug: slugs.shift() ?? "" }), 201))
      .on(`POST ${root}/tasks`, refusal(503, "not_ready", "Try again in a moment."));
    const { user } = renderApp(nameStep);
    await user.click(await screen.findByRole("radio", { name: /^A new domain below News/ }));
    await user.click(screen.getByRole("button", { name: "Create task" }));
    await screen.findByText("The task was not created");
    await user.click(screen.getByRole("radio", { name: /^A new domain below Law/ }));
    server.on(`POST ${root}/tasks`, () => ok(current, 201));
    await user.click(screen.getByRole("button", { name: "Create task" }));

    await screen.findByText("Train the model");
    expect(created().at(-1)).toEqual({ name: "Mails", kind: "single_label", domain: "mails-3" });
    expect(server.sentTo(`POST ${root}/domains`).at(-1)?.body).toEqual({
      name: "Mails",
      parent_domain: "law",
    });
  });

  it("offers the general domain once: a new one stands below it in any case", async () => {
    const general = domain({
      id: "6a1f0000-0000-4000-8000-0000000000b2",
      slug: "general",
      name: "General",
      is_shared: true,
    });
    server.on(`GET ${root}/domains`, page(general));
    renderApp(nameStep);

    expect(await screen.findByRole("radio", { name: /^General/ })).toBeVisible();
    expect(screen.getAllByRole("radio")).toHaveLength(2);
  });

  it("reads a shared domain as it stands, where a private leaf may be tried", async () => {
    const { user } = renderApp(nameStep);

    await user.click(await screen.findByRole("radio", { name: /^News.*as it stands/ }));
    current = task({ domain: "news" });
    await user.click(screen.getByRole("button", { name: "Create task" }));
    expect(await screen.findByRole("checkbox", { name: "Try a private leaf" })).toBeVisible();
    expect(server.sentTo(`POST ${root}/domains`)).toEqual([]);
    expect(created()).toEqual([{ name: "Mails", kind: "single_label", domain: "news" }]);
  });

  it("uploads for the kind of answer that is wanted, and makes a task of that kind", async () => {
    const pairs = dataset({
      id: "6a1f0000-0000-4000-8000-000000000044",
      name: "pairs.csv",
      kind: "sentence_pair",
    });
    server
      .on(`POST ${root}/datasets`, ok(pairs, 201))
      .on(`GET ${root}/datasets/${pairs.id}`, ok(pairs))
      .on(`GET ${root}/datasets/${pairs.id}/rows`, ok({ count: 0, results: [] }))
      .on(`GET ${root}/datasets/${pairs.id}/suggestion`, ok(suggested(null)));
    const { user } = renderApp("/t/acme/new-task");

    await user.click(await screen.findByRole("radio", { name: /^One label for two texts/ }));
    expect(screen.queryByLabelText(/uploaded before/)).toBeNull();
    await user.click(screen.getByRole("button", { name: "The columns have other names" }));
    const second = screen.getByLabelText("Column with the second text");
    await waitFor(() => expect(second).toBeVisible());
    await user.type(second, "reply");
    expect(second).toHaveValue("reply");
    const chosen = new File(["text,reply,label\n"], "pairs.csv", { type: "text/csv" });
    await user.upload(document.querySelector("input[type=file]") as HTMLInputElement, chosen);
    await user.click(await screen.findByRole("button", { name: "Go on with this file" }));
    const form = server.sentTo(`POST ${root}/datasets`)[0]?.body as FormData;
    expect([form.get("kind"), form.get("pair_column")]).toEqual(["sentence_pair", "reply"]);

    expect(
      await screen.findByText("The model will give one of your labels for both together."),
    ).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Create task" }));
    await screen.findByText("Train the model");
    expect(created()).toEqual([{ name: "Pairs", kind: "sentence_pair" }]);
  });

  it("takes any file that was uploaded before, and trains on it, however many there are", async () => {
    const oldest = dataset({ id: "6a1f0000-0000-4000-8000-0000000000d1", name: "oldest.csv" });
    server
      .on(`GET ${root}/datasets`, pages(dataset(), oldest))
      .on(`GET ${root}/datasets/${oldest.id}`, ok(oldest))
      .on(`GET ${root}/datasets/${oldest.id}/rows`, ok({ count: 0, results: [] }))
      .on(`GET ${root}/datasets/${oldest.id}/suggestion`, ok(suggested(null)));
    const { user } = renderApp("/t/acme/new-task");
    await user.selectOptions(
      await screen.findByLabelText("Or take a file that was uploaded before"),
      await screen.findByRole("option", { name: /^oldest.csv/ }),
    );
    await user.click(await screen.findByRole("button", { name: "Go on with this file" }));
    await user.click(await screen.findByRole("button", { name: "Create task" }));

    await waitFor(() => expect(screen.getByLabelText("Dataset")).toHaveValue(oldest.id));
  });

  it("offers no dataset of another kind", async () => {
    const { user } = renderApp("/t/acme/new-task");

    expect(await screen.findByLabelText(/uploaded before/)).toBeVisible();
    await user.click(screen.getByRole("radio", { name: /^A number for each text/ }));
    expect(screen.queryByLabelText(/uploaded before/)).toBeNull();
  });

  it("does not wait for a text that has not been compared", async () => {
    server.on(
      `GET ${root}/datasets/${dataset().id}/suggestion`,
      ok({ state: "queued", error: null, best: null, coverages: [], num_texts: 0 }),
    );
    renderApp(nameStep);

    expect(await screen.findByText(/Comparing your text with the domains/)).toBeVisible();
    expect(screen.getByRole("radio", { name: /^A new domain for this task/ })).toBeChecked();
    expect(screen.queryByText("Suggested")).toBeNull();
  });

  it("does not go on with a file that must be fixed first", async () => {
    server.on(`GET ${root}/datasets/${dataset().id}`, ok(dataset({ state: "blocked" })));
    const { user } = renderApp("/t/acme/new-task");

    await user.selectOptions(await screen.findByLabelText(/uploaded before/), dataset().id);
    expect(await screen.findByText(/Fix what must be fixed/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Go on with this file" })).toBeDisabled();
  });

  it("keeps what was typed when the name is taken", async () => {
    server.on(`POST ${root}/tasks`, refusal(409, "already_exists", "There is a task mails already."));
    const { user } = renderApp(nameStep);
    await user.click(await screen.findByRole("button", { name: "Create task" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("There is a task mails already.");
    expect(screen.getByLabelText("Name")).toHaveValue("Mails");
  });

  it("offers another try when a training has failed", async () => {
    current = task({ latest_training: taskTraining({ state: "failed" }) });
    server.on(
      `GET ${root}/trainings/${training().id}`,
      ok(training({ state: "failed", error: { code: "training_failed", message: "Out of disk." } })),
    );
    renderApp("/t/acme/new-task/mail-topics");

    expect(await screen.findByText("Out of disk.")).toBeVisible();
    expect(await screen.findByRole("button", { name: "Start training" })).toBeVisible();
  });
});
