import { screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import type { Task } from "@/lib/types";
import { me, task } from "@/testing/examples";
import { FakeServer, ok, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const answer = {
  predictions: [
    {
      label: "delivery",
      score: 0.8,
      scores: { billing: 0.2, delivery: 0.8 },
      num_tokens: 128,
      truncated: true,
      coverage: { trigram: 0.5, bigram: 0.3, unigram: 0.2, exact: 0 },
      tokens: null,
    },
  ],
  model: {
    task: "mail-topics",
    version: 4,
    adapter_digest: "abcdef0123456789",
    tree_version: "t",
    backbone: "b",
  },
  usage: { num_texts: 1, num_tokens: 128 },
  timings: { queue_ms: 0.5, retrieve_ms: 0.2, compute_ms: 3.1 },
  request_id: "req-9",
};

describe("trying a text", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(
        "GET /api/v1/tenants/acme/tasks/mail-topics",
        ok(task({ deployment: { version: 4, version_id: "v", deployed_at: "2026-01-05T10:00:00Z" } })),
      )
      .on("POST /api/v1/tenants/acme/playground-token", ({ body }) =>
        ok(
          {
            secret: `hmi_for_${(body as { task: string }).task}`,
            expires_at: new Date(Date.now() + 900_000).toISOString(),
          },
          201,
        ),
      )
      .on("POST /v1/tasks/mail-topics/predict", ok(answer));
  });

  async function predict(user: ReturnType<typeof renderApp>["user"], text: string) {
    await user.clear(await screen.findByLabelText("Text"));
    await user.type(screen.getByLabelText("Text"), text);
    await user.click(screen.getByRole("button", { name: "Predict" }));
  }

  it("shows label, scores, the cut and the version, with one token for several texts", async () => {
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await predict(user, "Where is it?");

    expect(await screen.findByRole("heading", { name: "delivery" })).toBeVisible();
    expect(screen.getByText("The text was cut")).toBeVisible();
    expect(screen.getByText("80.0%")).toBeVisible();
    expect(screen.getByText(/version 4, adapter abcdef012345/)).toBeVisible();
    await predict(user, "And now?");

    const calls = server.sentTo("POST /v1/tasks/mail-topics/predict");
    expect(calls.map(({ body }) => body)).toEqual([
      { inputs: ["Where is it?"], parameters: { tokens: true } },
      { inputs: ["And now?"], parameters: { tokens: true } },
    ]);
    expect(calls[1]?.headers.get("Authorization")).toBe("Bearer hmi_for_mail-topics");
    expect(server.sentTo("POST /api/v1/tenants/acme/playground-token")).toHaveLength(1);
  });

  it("shows sets of labels and “not sure” where an error level is chosen", async () => {
    const [prediction] = answer.predictions;
    const sure = { ...prediction, label_set: ["delivery"], abstained: false };
    const notSure = { ...prediction, label_set: ["delivery", "billing"], abstained: true };
    server.on("POST /v1/tasks/mail-topics/predict", ok({ ...answer, predictions: [notSure, sure] }));
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await user.selectOptions(
      await screen.findByLabelText("When it may say “not sure”"),
      "To be wrong in at most 5% of cases",
    );
    expect(screen.getByText(/missing from at most 5% of the answers/)).toBeVisible();
    await user.click(screen.getByRole("radio", { name: "One text per line" }));
    await user.type(screen.getByLabelText("Texts"), "one\ntwo");
    await user.click(screen.getByRole("button", { name: "Predict" }));

    expect(await screen.findByRole("heading", { name: "delivery or billing" })).toBeVisible();
    expect(screen.getByText("Not sure")).toBeVisible();
    expect(screen.getByText(/let a person look/)).toBeVisible();
    expect(screen.getByText("not sure: 1")).toBeVisible();
    expect(screen.getByRole("columnheader", { name: "Label" })).toBeVisible();
    expect(screen.getByRole("cell", { name: "Not sure: delivery or billing" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "two" }));
    expect(screen.getByRole("heading", { name: "delivery" })).toBeVisible();
    expect(screen.getByText(/^Sure enough/)).toBeVisible();
    expect(server.sentTo("POST /v1/tasks/mail-topics/predict")[0]?.body).toEqual({
      inputs: ["one", "two"],
      parameters: { tokens: true, abstain: true, error_level: 0.05 },
    });
  });

  it("marks each token by what PLOT knew of it", async () => {
    const [prediction] = answer.predictions;
    const tokens = [
      { start: 0, end: 5, rung: "unigram", node: "general" },
      { start: 6, end: 8, rung: "trigram", node: "domain" },
    ];
    server.on(
      "POST /v1/tasks/mail-topics/predict",
      ok({ ...answer, predictions: [{ ...prediction, tokens }] }),
    );
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await predict(user, "Where is it?");

    const text = await screen.findByRole("region", { name: "The text by what PLOT knew" });
    expect(text).toHaveTextContent("Where is it?");
    expect(within(text).getByText("is")).toHaveAttribute(
      "title",
      "Known with both neighbours, learnt from your domain",
    );
    expect(within(text).getByText("Where")).toHaveAttribute("data-rung", "unigram");
    expect(screen.getByText("from your domain", { exact: false, selector: "li" })).toHaveTextContent(
      "1 token",
    );
  });

  it("answers a text per line, and shows each one whole when it is chosen", async () => {
    const [prediction] = answer.predictions;
    const other = { ...prediction, label: "billing", score: 0.6, scores: { billing: 0.6, delivery: 0.4 } };
    server.on("POST /v1/tasks/mail-topics/predict", ok({ ...answer, predictions: [prediction, other] }));
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await user.click(await screen.findByText("One text per line"));
    await user.type(screen.getByLabelText("Texts"), "Where is it?{enter}{enter} The bill ");
    await user.click(screen.getByRole("button", { name: "Predict" }));

    expect(await screen.findByRole("heading", { name: "2 texts" })).toBeVisible();
    expect(screen.getByRole("heading", { name: "delivery" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "The bill" }));
    expect(screen.getByRole("heading", { name: "billing" })).toBeVisible();
    const [call] = server.sentTo("POST /v1/tasks/mail-topics/predict");
    expect(call?.body).toMatchObject({ inputs: ["Where is it?", "The bill"] });
  });

  function serve(kind: Task["kind"], said: object) {
    const read = { num_tokens: 8, truncated: false, coverage: answer.predictions[0]?.coverage, tokens: null };
    const deployment = { version: 4, version_id: "v", deployed_at: "2026-01-05T10:00:00Z" };
    server
      .on("GET /api/v1/tenants/acme/tasks/mail-topics", ok(task({ kind, deployment })))
      .on("POST /v1/tasks/mail-topics/predict", ok({ ...answer, predictions: [{ ...read, ...said }] }));
  }

  it("shows the number that a task of scores answers", async () => {
    serve("score", { value: 3.14159 });
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await predict(user, "Where is it?");

    expect(await screen.findByRole("heading", { name: "3.142" })).toBeVisible();
    expect(screen.queryByRole("region", { name: "Scores" })).toBeNull();
  });

  it("shows all labels that fit, or that none does", async () => {
    serve("multi_label", { labels: [], scores: { billing: 0.2, delivery: 0.3 } });
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await predict(user, "Where is it?");

    expect(await screen.findByRole("heading", { name: "None of the labels" })).toBeVisible();
    serve("multi_label", { labels: ["billing", "delivery"], scores: { billing: 0.7, delivery: 0.8 } });
    await predict(user, "And now?");
    expect(await screen.findByRole("heading", { name: "billing, delivery" })).toBeVisible();
  });

  it("marks the places that were found, counted in code points", async () => {
    const spans = [{ start: 2, end: 5, label: "NAME", score: 0.9 }];
    serve("token_classification", { spans });
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await predict(user, "😀 Ada wrote");

    expect(await screen.findByRole("heading", { name: "1 place" })).toBeVisible();
    const found = screen.getByRole("region", { name: "What was found" });
    expect(within(found).getByText("Ada")).toHaveTextContent("Ada NAME");
  });

  it("sends both texts of a pair, of which the service tells no tokens", async () => {
    serve("sentence_pair", { label: "fits", score: 0.9, scores: { fits: 0.9, not: 0.1 } });
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await user.type(await screen.findByLabelText("First text"), "Where is it?");
    expect(screen.getByRole("button", { name: "Predict" })).toBeDisabled();
    await user.type(screen.getByLabelText("Second text"), "In the post.");
    await user.click(screen.getByRole("button", { name: "Predict" }));

    expect(await screen.findByRole("heading", { name: "fits" })).toBeVisible();
    const [call] = server.sentTo("POST /v1/tasks/mail-topics/predict");
    expect(call?.body).toEqual({
      inputs: [{ text: "Where is it?", pair: "In the post." }],
      parameters: {},
    });
  });

  it("writes the same call in other languages", async () => {
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await user.type(await screen.findByLabelText("Text"), "Hello");
    await user.click(screen.getByText("Python"));

    const code = screen.getByRole("region", { name: "The same call with Python" });
    expect(code).toHaveTextContent('json.dumps({"inputs": ["Hello"]})');
  });

  it("gets one new token when the old one was revoked", async () => {
    let numCalls = 0;
    server.on("POST /v1/tasks/mail-topics/predict", () => {
      numCalls += 1;
      return numCalls === 2 ? refusal(401, "invalid_key", "This key does not work.") : ok(answer);
    });
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await predict(user, "One");
    await screen.findByRole("heading", { name: "delivery" });
    await predict(user, "Two");

    await expect.poll(() => numCalls).toBe(3);
    expect(screen.queryByRole("alert")).toBeNull();
    expect(server.sentTo("POST /api/v1/tenants/acme/playground-token")).toHaveLength(2);
  });

  it("tells in words why there is no prediction", async () => {
    server.on(
      "POST /v1/tasks/mail-topics/predict",
      refusal(429, "queue_full", "Too many requests at once; try again."),
    );
    const { user } = renderApp("/t/acme/tasks/mail-topics/try");
    await predict(user, "Hello");

    expect(await screen.findByRole("alert")).toHaveTextContent("Too many requests at once; try again.");
  });
});
