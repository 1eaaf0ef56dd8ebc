import { screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { me, report, task, version } from "@/testing/examples";
import { FakeServer, ok } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme/tasks/mail-topics";

describe("a version's report", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}`, ok(task()))
      .on(`GET ${root}/versions/1`, ok(version()));
  });

  it("shows accuracy with its interval, the confusions and what PLOT costs", async () => {
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText(/95% interval 88.0% to 96.0%, on 40 held-out rows/)).toBeVisible();
    expect(screen.getByText("“delivery” taken for “billing”: 2 times")).toBeVisible();
    expect(screen.getByText("−0.5 points")).toBeVisible();
    const matrix = screen.getByRole("table", { name: /Rows are the true labels/ });
    const row = within(matrix).getByRole("row", { name: /^delivery/ });
    expect(
      within(row)
        .getAllByRole("cell")
        .map((cell) => cell.textContent),
    ).toEqual(["2", "8"]);
  });

  it("says that the cost of PLOT was not measured", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, plot_cost: null } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText(/Not measured in this training/)).toBeVisible();
  });

  it("does not guess at a report of another format", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, format_version: 2 } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText("No report to show")).toBeVisible();
  });
});
