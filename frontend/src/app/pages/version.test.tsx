import { screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { additions, me, report, scoreReport, spansReport, task, version } from "@/testing/examples";
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

  it("names the rows to look at with their texts, and where the scores are honest", async () => {
    const dataset = version().dataset ?? "";
    server
      .on(`GET ${root}/versions/1`, ok(version({ report: { ...report, ...additions } })))
      .on(
        `GET /api/v1/tenants/acme/datasets/${dataset}/rows`,
        ok({ count: 400, results: [{ row: 17, text: "the parcel is late", label: "billing" }] }),
      );
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const suspects = await screen.findByRole("region", { name: "Labels that may be wrong" });
    expect(suspects).toHaveTextContent("looked at 360 rows and doubt 1 label.");
    expect(await within(suspects).findByText("the parcel is late")).toBeVisible();
    expect(screen.getByRole("region", { name: "Worst mistakes" })).toHaveTextContent("delivery 10%");
    expect(server.sentTo(`GET /api/v1/tenants/acme/datasets/${dataset}/rows`)[0]?.query.get("numbers")).toBe(
      "17,23",
    );
    expect(
      screen.getByRole("img", { name: /^As served: error 3.4%.*scores round 92%: 93% right/ }),
    ).toBeVisible();
    expect(screen.getByText("10 to 80 characters")).toBeVisible();
    expect(screen.getByText("Twice the rows would bring about 2.0% more.")).toBeVisible();
    expect(screen.getByText(/always the most frequent label: 75.0%/)).toBeVisible();
  });

  it("tells what a coverage floor would bring", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, ...additions } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const floors = await screen.findByRole("region", { name: "What a coverage floor would bring" });
    expect(within(floors).getByRole("row", { name: /^62.0%/ })).toHaveTextContent(
      "62.0%20.0%93.0%+0.5 (−0.5 to +1.5)3.1 ms",
    );
  });

  it("shows a report of an older training without what was not measured then", async () => {
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText("Macro F1")).toBeVisible();
    expect(screen.queryByText("Labels that may be wrong")).toBeNull();
    expect(screen.queryByText("Would more rows help?")).toBeNull();
  });

  it("says that the cost of PLOT was not measured", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, plot_cost: null } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText(/Not measured in this training/)).toBeVisible();
  });

  it("shows the headline of a score with its interval and figures, and nothing about labels", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: scoreReport, labels: [] })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText("95% interval 0.541 to 0.670, on 40 held-out rows")).toBeVisible();
    const figures = screen.getByRole("region", { name: "On the held-out rows" });
    expect(within(figures).getByRole("row", { name: /^Variance explained/ })).toHaveTextContent("0.612");
    expect(within(figures).getByRole("row", { name: /^Mean absolute error 0/ })).toHaveTextContent(
      "0.3800.340 to 0.420",
    );
    expect(screen.queryByText("Confusion matrix")).toBeNull();
    expect(screen.queryByText("Accuracy")).toBeNull();
  });

  it("shows the figures of spans, all and by label", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: spansReport, labels: spansReport.labels })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText("95% interval 88.0% to 94.0%, on 40 held-out rows")).toBeVisible();
    const figures = screen.getByRole("region", { name: "On the held-out rows" });
    expect(within(figures).getByRole("row", { name: /^Recall/ })).toHaveTextContent("89.4%85.0% to 93.0%");
    expect(within(figures).getByRole("row", { name: /behind what is read/ })).toHaveTextContent("2");
    const byLabel = screen.getByRole("region", { name: "By label" });
    expect(within(byLabel).getByRole("row", { name: /^NAME/ })).toHaveTextContent("83.0%34");
    expect(within(byLabel).getByRole("columnheader", { name: "Spans" })).toBeVisible();
    expect(screen.getByText("Do the scores mean what they say?")).toBeVisible();
  });

  it("does not guess at a report of another format", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, format_version: 2 } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText("No report to show")).toBeVisible();
  });
});
