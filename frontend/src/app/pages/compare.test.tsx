import { screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { listedVersion, me, report, task, version } from "@/testing/examples";
import { FakeServer, ok, page } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme/tasks/mail-topics";
const better = {
  ...report,
  accuracy: 0.985,
  accuracy_ci95: [0.965, 0.995],
  ece: 0.05,
  labels: ["billing", "refund"],
  classes: [
    { label: "billing", precision: 0.9, recall: 0.9, f1: 0.9, support: 30 },
    { label: "refund", precision: 1, recall: 1, f1: 1, support: 10 },
  ],
};

describe("comparing versions", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    const [one, two] = [version(), version({ number: 2, report: better, dataset: null })];
    server
      .on("GET /api/v1/me", ok(me()))
      .on(
        `GET ${root}`,
        ok(task({ deployment: { version: 1, version_id: one.id, deployed_at: one.created_at } })),
      )
      .on(`GET ${root}/versions`, page(listedVersion({ number: 2 }), listedVersion()))
      .on(`GET ${root}/versions/1`, ok(one))
      .on(`GET ${root}/versions/2`, ok(two));
  });

  it("sets the newest beside the one before, and says what the difference means", async () => {
    renderApp("/t/acme/tasks/mail-topics/compare");

    expect(await screen.findByText("Version 2 is 6.0 points more accurate than version 1")).toBeVisible();
    expect(screen.getByText(/different datasets .* do not overlap: the difference is real/)).toBeVisible();
    const whole = screen.getByRole("region", { name: "As a whole" });
    expect(within(whole).getByRole("row", { name: /^Accuracy/ })).toHaveTextContent(
      "Accuracy92.5%98.5%+6.0 points better",
    );
    expect(within(whole).getByRole("row", { name: /^Calibration error/ })).toHaveTextContent(
      "+1.6 points worse",
    );
    expect(within(whole).getByRole("row", { name: /^Held-out/ })).toHaveTextContent("4040none");
    expect(screen.getByRole("button", { name: "Deploy version 2" })).toBeVisible();
  });

  it("names labels that only one of them has", async () => {
    renderApp("/t/acme/tasks/mail-topics/compare");

    const labels = await screen.findByRole("region", { name: "F1 by label" });
    expect(within(labels).getByRole("row", { name: /^refund/ })).toHaveTextContent("refund–100.0%");
    expect(within(labels).getByRole("row", { name: /^delivery/ })).toHaveTextContent("delivery84.0%–");
    expect(within(labels).getByRole("row", { name: /^billing/ })).toHaveTextContent("−6.0 points worse");
  });

  it("compares the ones that the address names", async () => {
    renderApp("/t/acme/tasks/mail-topics/compare?versions=2,1");

    expect(await screen.findByLabelText("Compare")).toHaveValue("2");
    expect(await screen.findAllByRole("columnheader", { name: "Version 2" })).toHaveLength(2);
  });

  it("says what to do when there is one version alone", async () => {
    server.on(`GET ${root}/versions`, page(listedVersion()));
    renderApp("/t/acme/tasks/mail-topics/compare");

    expect(await screen.findByText("There is only one version")).toBeVisible();
  });
});
