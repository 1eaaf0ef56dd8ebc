import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import {
  contribution,
  dataset,
  deletion,
  domain,
  domainTree,
  domainUpdate,
  me,
  task,
} from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";
const shared = domain({
  id: "6a1f0000-0000-4000-8000-0000000000b1",
  slug: "news",
  name: "News",
  is_shared: true,
});

describe("domains", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/domains`, page(shared, domain({ parent_domain: "news" })))
      .on(`GET ${root}/tasks`, page(task({ domain: "mails" })))
      .on(`GET ${root}/datasets`, page(dataset()))
      .on(`GET ${root}/contributions`, page())
      .on(`GET ${root}/deletions`, page(deletion()))
      .on(`GET ${root}/tasks/mail-topics/gate-consent`, ok({ is_given: false }));
    for (const slug of ["news", "mails"]) {
      server
        .on(`GET ${root}/domains/${slug}/trees`, page(domainTree()))
        .on(`GET ${root}/domains/${slug}/updates`, page(domainUpdate()));
    }
  });

  it("lists one's own before the shared ones", async () => {
    renderApp("/t/acme/domains");

    const [, first, second] = await screen.findAllByRole("row");
    expect(first).toHaveTextContent(/^MailsYour ownnews1 task/);
    expect(second).toHaveTextContent(/^NewsSharedgeneral–/);
  });

  it("shows what each tree changed and what the gate said of each task", async () => {
    renderApp("/t/acme/domains/mails");

    const trees = await screen.findByRole("region", { name: "Trees" });
    expect(await within(trees).findByText("In use")).toBeVisible();
    expect(within(trees).getByRole("row", { name: /^Three tokens/ })).toHaveTextContent(
      "Three tokens1,0003001001,200",
    );
    const updates = screen.getByRole("region", { name: "Updates" });
    expect(within(updates).getByRole("row", { name: /^Mail topics/ })).toHaveTextContent(
      "Mail topicsFollows the new treeAccuracy 90.0% → 91.0%50.0% → 60.0%200",
    );
  });

  it.each([
    ["span_f1", 0.9, "F1 of spans 90.0% → 91.0%"],
    ["micro_f1", 0.9, "Micro F1 90.0% → 91.0%"],
    ["r2", -0.05, "Variance explained (R²) −0.05 → 0.91"],
    ["row_quality", 0.9, "Quality of a row 0.90 → 0.91"],
    [null, null, "not tried"],
  ])("names the figure that each task is judged by: %s", async (metric, before, words) => {
    const verdicts = (domainUpdate().verdicts ?? []).map((one) => ({
      ...one,
      metric,
      accuracy_before: before,
    }));
    server.on(`GET ${root}/domains/mails/updates`, page(domainUpdate({ verdicts })));
    renderApp("/t/acme/domains/mails");

    const updates = await screen.findByRole("region", { name: "Updates" });
    expect(await within(updates).findByRole("cell", { name: words })).toBeVisible();
    expect(within(updates).queryByText("Accuracy")).toBeNull();
  });

  it("updates a domain after asking, and not while an update is under way", async () => {
    server.on(`POST ${root}/domains/mails/updates`, () => {
      server.on(`GET ${root}/domains/mails/updates`, page(domainUpdate({ state: "queued", verdicts: [] })));
      return ok(domainUpdate({ state: "queued" }), 201);
    });
    const { user } = renderApp("/t/acme/domains/mails");
    const button = await screen.findByRole("button", { name: "Update now" });
    await waitFor(() => expect(button).toBeEnabled());
    await user.click(button);
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Update" }));

    expect(await screen.findByText("Waiting")).toBeVisible();
    expect(screen.getByRole("button", { name: "Update now" })).toBeDisabled();
  });

  it("goes back to the tree before after asking, and says why not where none stands", async () => {
    const path = `${root}/domains/mails/bring-back`;
    server.on(`POST ${path}`, refusal(409, "conflict", "No earlier tree stands."));
    const { user } = renderApp("/t/acme/domains/mails");
    await user.click(await screen.findByRole("button", { name: "Go back to the tree before" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Go back" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("No earlier tree stands.");

    const back = domainUpdate({ state: "running", verdicts: [], brings_back: "e".repeat(64) });
    server
      .on(`POST ${path}`, () => ok(back, 201))
      .on(`GET ${root}/domains/mails/updates`, page(back, domainUpdate()));
    await user.click(within(dialog).getByRole("button", { name: "Go back" }));
    expect(await screen.findByText(/back to the tree before/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Go back to the tree before" })).toBeDisabled();
  });

  it("gives consent to try new trees on held-out rows", async () => {
    server.on(`PUT ${root}/tasks/mail-topics/gate-consent`, () => {
      server.on(`GET ${root}/tasks/mail-topics/gate-consent`, ok({ is_given: true }));
      return ok({ is_given: true });
    });
    const { user } = renderApp("/t/acme/domains/mails");
    await user.click(await screen.findByRole("switch", { name: "Mail topics" }));

    await waitFor(() => expect(screen.getByRole("switch", { name: "Mail topics" })).toBeChecked());
    expect(server.sentTo(`PUT ${root}/tasks/mail-topics/gate-consent`)).toHaveLength(1);
  });

  it("contributes a dataset to a shared domain and takes it back, with a receipt", async () => {
    server
      .on(`POST ${root}/contributions`, () => {
        server.on(`GET ${root}/contributions`, page(contribution()));
        return ok(contribution(), 201);
      })
      .on(`DELETE ${root}/contributions/${contribution().id}`, ok(deletion()));
    const { user } = renderApp("/t/acme/domains/news");
    await user.selectOptions(await screen.findByLabelText("Contribute a dataset"), dataset().id);
    await user.click(screen.getByRole("button", { name: "Give consent" }));
    await user.click(await screen.findByRole("button", { name: "Take back the consent for mails.csv" }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Take back" }));

    expect(await screen.findByRole("heading", { name: "Deletions" })).toBeVisible();
    expect(await screen.findByText("Being forgotten")).toBeVisible();
    expect(screen.getByText(/version 2 of mail-topics/)).toBeVisible();
    expect(server.sentTo(`POST ${root}/contributions`)[0]?.body).toEqual({
      domain: "news",
      dataset: dataset().id,
    });
  });

  it("says of how many tenants an n-gram of this domain must be", async () => {
    server.on(`GET ${root}/domains`, page({ ...shared, min_tenants: 5 }));
    renderApp("/t/acme/domains/news");

    expect(await screen.findByText(/at least 5 verified tenants share/)).toBeVisible();
  });

  it("offers a developer no consent to share, and a viewer no update", async () => {
    server.on("GET /api/v1/me", ok(me("developer")));
    renderApp("/t/acme/domains/news");
    expect(await screen.findByText("You contribute nothing to this domain.")).toBeVisible();
    expect(screen.queryByLabelText("Contribute a dataset")).toBeNull();
  });

  it("tells why an update was refused", async () => {
    server.on(`POST ${root}/domains/mails/updates`, refusal(409, "conflict", "One is under way."));
    const { user } = renderApp("/t/acme/domains/mails");
    const button = await screen.findByRole("button", { name: "Update now" });
    await waitFor(() => expect(button).toBeEnabled());
    await user.click(button);
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Update" }));

    expect(await within(dialog).findByRole("alert")).toHaveTextContent("One is under way.");
  });
});
