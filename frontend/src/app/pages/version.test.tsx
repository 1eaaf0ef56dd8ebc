import { act, screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";

import {
  additions,
  dataset as example,
  me,
  multiLabelReport,
  report,
  scoreReport,
  spansReport,
  task,
  training,
  version,
} from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
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

  it("gives the adapter away to whoever may write", async () => {
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByRole("link", { name: "Download adapter" })).toHaveAttribute(
      "href",
      `${root}/versions/1/adapter`,
    );
    expect(screen.getByRole("link", { name: "Download to predict offline" })).toHaveAttribute(
      "href",
      `${root}/versions/1/offline`,
    );
  });

  it("tells how it answers offline, where that was measured", async () => {
    const offline = {
      rows: 40,
      same_label_share: 0.975,
      max_score_difference: 0.12,
      mean_score_difference: 0.01,
    };
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, offline } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(
      await screen.findByText(
        /gives 97.5% of the 40 held-out rows the same answer as the service; the largest difference of a score is 0.120/,
      ),
    ).toBeVisible();
  });

  it("tells small numbers' errors apart from none", async () => {
    const small = { mae: 0.00041, mae_ci95: [0.0003, 0.0005], label_errors: null };
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...scoreReport, ...small }, labels: [] })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const row = await screen.findByRole("row", { name: /^Mean absolute error 0.00041/ });
    expect(row).toHaveTextContent("0.0003 to 0.0005");
  });

  it("does not pretend to know what an imported adapter was trained on", async () => {
    const rows = { train: 0, validation: 0, test: 100, from_ancestors: 0, truncated: 0, sharing_text: 0 };
    const calibration = { ...additions.calibration, temperature: 1 };
    const changes = { rows, calibration, majority_accuracy: null };
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, ...additions, ...changes } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(
      await screen.findByText(/Measured on 100 rows that the domain's PLOT has not learnt/),
    ).toBeVisible();
    expect(screen.queryByText(/always the most frequent label/)).toBeNull();
    expect(screen.queryByText(/0 rows to train|fitted on the validation rows/)).toBeNull();
  });

  it("says why it was not compared, and that nothing was left to learn", async () => {
    const points = [
      { rows: 80, accuracy: 0.9 },
      { rows: 160, accuracy: 1 },
    ];
    const why = "There was no time left for the model on computed lower layers.";
    const changes = {
      plot_cost: null,
      left_out: { plot_cost: why },
      learning_curve: { points, forecast: null },
    };
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, ...additions, ...changes } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByRole("region", { name: "What PLOT costs" })).toHaveTextContent(why);
    const curve = screen.getByRole("region", { name: "Would more rows help?" });
    expect(curve).toHaveTextContent("All held-out rows were right");
    expect(curve).not.toHaveTextContent("have not helped");
  });

  it("tells of the operator's limit, and of equally good looks the one that was kept", async () => {
    const curve = [
      { step: 50, epoch: 0.5, validation_accuracy: 0.95 },
      { step: 100, epoch: 1, validation_accuracy: 0.95 },
    ];
    const recipe = { ...additions.recipe, max_minutes: 600 };
    const stopped_at = { limit: "installation", minutes: 230 };
    server.on(
      `GET ${root}/versions/1`,
      ok(version({ report: { ...report, ...additions, stopped_at, curve, recipe, search: null } })),
    );
    const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    await user.click(await screen.findByRole("heading", { name: "How it was trained" }));

    expect(
      screen.getByText(/^It was stopped at the longest time that a training may take here, 3 h 50 min:/),
    ).toBeVisible();
    expect(screen.getByText(/^Kept is what did best.*after step 100/)).toBeVisible();
  });

  it("keeps the adapter from viewers", async () => {
    server.on("GET /api/v1/me", ok(me("viewer")));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText(/95% interval 88.0% to 96.0%, on 40 held-out rows/)).toBeVisible();
    expect(screen.queryByRole("link", { name: /Download/ })).toBeNull();
    expect(screen.queryByText("Without the platform")).toBeNull();
  });

  it("tells what became of a private leaf, what it gained, and what stays private", async () => {
    const private_leaf = {
      is_kept: true,
      why: "it gained at least 0.3 points on the validation rows",
      max_bytes: 4_000_000,
      num_bytes: 1_100_000,
      num_rows: 5210,
      gain_points: 1.25,
      validation_without: 0.9,
      validation_with: 0.9125,
    };
    server.on(
      `GET ${root}/versions/1`,
      ok(
        version({
          report: { ...report, private_share: 0.62, private_leaf },
          private_leaf: { digest: "a".repeat(64), num_bytes: 1_100_000, retired_at: "2026-02-01T10:00:00Z" },
        }),
      ),
    );
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const leaf = await screen.findByRole("region", { name: "The private leaf" });
    expect(leaf).toHaveTextContent("Kept5,210 n-grams, 1.1 MB of 4.0 MB+1.3 points");
    expect(leaf).toHaveTextContent("It gained at least 0.3 points on the validation rows.");
    expect(leaf).toHaveTextContent(/Validation accuracy with it.*91.3%.*Without.*90.0%/);
    expect(screen.getByText(/^62.0% of the data's n-grams are private/)).toBeVisible();
    expect(screen.getByText("Its private leaf is gone")).toBeVisible();
  });

  it("says why a private leaf was not kept, and that without one nothing is shared", async () => {
    const private_leaf = {
      is_kept: false,
      why: "max_minutes cut the training with it short",
      max_bytes: 4_000_000,
      num_bytes: null,
      num_rows: null,
      gain_points: null,
      validation_without: null,
      validation_with: null,
    };
    server.on(
      `GET ${root}/versions/1`,
      ok(version({ report: { ...scoreReport, private_share: 1, private_leaf } })),
    );
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const leaf = await screen.findByRole("region", { name: "The private leaf" });
    expect(leaf).toHaveTextContent("Not kept");
    expect(leaf).toHaveTextContent("max_minutes cut the training with it short.");
    expect(screen.getByText(/^None of the data's n-grams/)).toBeVisible();
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
    expect(screen.getByRole("region", { name: "Worst mistakes" })).toHaveTextContent(
      /Labelled\s*delivery 10%/,
    );
    expect(server.sentTo(`GET /api/v1/tenants/acme/datasets/${dataset}/rows`)[0]?.query.get("numbers")).toBe(
      "17,23",
    );
    expect(
      screen.getByRole("img", { name: /^As served: error 3.4%.*scores round 92%: 93% right/ }),
    ).toBeVisible();
    expect(screen.getByText("10 to 80 characters")).toBeVisible();
    expect(screen.getByText("Twice the rows would bring about 2.0 points more.")).toBeVisible();
    expect(screen.getByText("forecast, 89% to 94%")).toBeVisible();
    expect(screen.getByText(/always the most frequent label: 75.0%/)).toBeVisible();
  });

  it("tells what a coverage floor would bring", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, ...additions } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const floors = await screen.findByRole("region", { name: "What a coverage floor would bring" });
    expect(within(floors).getByRole("row", { name: /^62.0%/ })).toHaveTextContent(
      "62.0%20.0%, at most 27.0%93.0%+0.5 (−0.5 to +1.5)3.1 ms",
    );
    const ranks = screen.getByRole("region", { name: "What a smaller rank would cost" });
    expect(within(ranks).getByRole("row", { name: /^2 / })).toHaveTextContent(
      "274 kB91.5%−1.0 (−2.5 to 0.0)",
    );
  });

  it("shows a report of an older training without what was not measured then", async () => {
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText("Macro F1")).toBeVisible();
    expect(screen.queryByText("Labels that may be wrong")).toBeNull();
    expect(screen.queryByText("Would more rows help?")).toBeNull();
  });

  it("tells why an imported adapter cannot be deployed", async () => {
    const parity = { max_score_difference: 2e-6, agrees: true };
    const imported = {
      kind: "single_label",
      import: {
        method: "lora",
        rank: 8,
        dtype: "float16",
        notes: ["the labels are the task's"],
        passed: false,
        parity: {
          peft: parity,
          plot: { rows: 50, share: 0.6, min_share: 0.9 },
          expected: null,
          problems: ["on looked-up inputs 60.0% of 50 answers agree"],
        },
      },
    };
    server.on(
      `GET ${root}/versions/1`,
      ok(version({ state: "draft", training: null, adapter_import: crypto.randomUUID(), report: imported })),
    );
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText("This version cannot be deployed")).toBeVisible();
    expect(screen.getByText("On looked-up inputs 60.0% of 50 answers agree.")).toBeVisible();
    expect(screen.getByText(/Compared on 50 texts/)).toBeVisible();
    expect(screen.queryByRole("button", { name: /Deploy/ })).toBeNull();
    expect(screen.queryByText("No report to show")).toBeNull();
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
    const slices = screen.getByRole("region", { name: "Where it is good, and where not" });
    expect(within(slices).getByRole("columnheader", { name: "Mean error" })).toBeVisible();
    expect(within(slices).getByRole("row", { name: /characters/ })).toHaveTextContent("200.4250.31 to 0.5");
    expect(screen.getByText("An answer is a number, not a probability.")).toBeVisible();
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
    expect(screen.getByText(/^The F1 of spans of a simpler model/)).toBeVisible();
    const slices = screen.getByRole("region", { name: "Where it is good, and where not" });
    expect(within(slices).getByRole("columnheader", { name: "Exactly right" })).toBeVisible();
    expect(within(slices).getByRole("row", { name: /known to PLOT/ })).toHaveTextContent("75.0%");
  });

  it("shows the words of the places that differ, and marks them in the text", async () => {
    const dataset = version().dataset ?? "";
    const rows = [
      { row: 23, text: "Ann came", label: "", pair: null },
      { row: 31, text: "On Tuesday", label: "", pair: null },
    ];
    server
      .on(`GET ${root}/versions/1`, ok(version({ report: spansReport, labels: spansReport.labels })))
      .on(`GET /api/v1/tenants/acme/datasets/${dataset}/rows`, ok({ count: 400, results: rows }));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const mistakes = await screen.findByRole("region", { name: "Worst mistakes" });
    await expect.poll(() => mistakes.textContent).toMatch(/Labelled\s*“Ann” NAME\s*It said\s*none/);
    expect(within(mistakes).getByTitle("NAME / no label")).toHaveTextContent(/^Ann$/);
    const suspects = screen.getByRole("region", { name: "Labels that may be wrong" });
    expect(suspects).toHaveTextContent("looked at 240 rows and contradicts the spans of 1");
    expect(suspects).toHaveTextContent(/Labelled\s*“uesda” NAME\s*Rather\s*“uesda” DATE/);
    expect(within(suspects).getByTitle("NAME / DATE")).toHaveTextContent(/^uesda$/);
  });

  it("shows both texts of a pair, so that its label can be judged", async () => {
    const dataset = version().dataset ?? "";
    const rows = [
      { row: 17, text: "the parcel is late", pair: "when will my order come?", label: "billing" },
    ];
    server
      .on(
        `GET ${root}/versions/1`,
        ok(version({ report: { ...report, ...additions, kind: "sentence_pair" } })),
      )
      .on(`GET /api/v1/tenants/acme/datasets/${dataset}/rows`, ok({ count: 400, results: rows }));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const suspects = await screen.findByRole("region", { name: "Labels that may be wrong" });
    expect(await within(suspects).findByText("the parcel is late")).toBeVisible();
    expect(within(suspects).getByText("when will my order come?")).toBeVisible();
  });

  it("says of how many held-out rows a text was trained on, too", async () => {
    const rows = { ...report.rows, sharing_text: 7 };
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, rows, kind: "sentence_pair" } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText(/7 held-out rows have a text .* trained on, too/)).toBeInTheDocument();
  });

  it("tells what floors and ranks do to a score in its units, as an error", async () => {
    const { floor_curve, rank_curve } = additions;
    const ofScore = <Point extends object>(points: Point[]) =>
      points.map((point) => ({ ...point, accuracy: -0.38 }));
    server.on(
      `GET ${root}/versions/1`,
      ok(
        version({
          report: { ...scoreReport, floor_curve: ofScore(floor_curve), rank_curve: ofScore(rank_curve) },
          labels: [],
        }),
      ),
    );
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const floors = await screen.findByRole("region", { name: "What a coverage floor would bring" });
    expect(within(floors).getByRole("columnheader", { name: "Mean error" })).toBeVisible();
    expect(within(floors).getByRole("row", { name: /^62.0%/ })).toHaveTextContent(
      "62.0%20.0%, at most 27.0%0.38−0.005 (−0.015 to +0.005)3.1 ms",
    );
    const ranks = screen.getByRole("region", { name: "What a smaller rank would cost" });
    expect(within(ranks).getByRole("row", { name: /^2 / })).toHaveTextContent("74 kB0.38+0.01 (0 to +0.025)");
  });

  it("tells how it was trained, why it ended and what a search had tried", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, ...additions } })));
    const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    const heading = await screen.findByRole("heading", { name: "How it was trained" });
    expect(screen.getByText("7 min 5 s of work, stopped at its limit of time")).toBeVisible();
    expect(screen.queryByText(/limit that was set/)).toBeNull();
    await user.click(heading);

    expect(
      screen.getByText(/limit that was set, 5 minutes: with more time it might be better/),
    ).toBeVisible();
    expect(screen.getByText("It went over the training rows 1 time, in 100 steps.")).toBeVisible();
    expect(
      screen.getByText("Kept is what did best. Validation accuracy after step 50: 95.0%."),
    ).toBeVisible();
    expect(screen.getByText(/no time for the whole search/)).toBeVisible();
    expect(screen.getByRole("row", { name: /^Seed 7/ })).toBeVisible();
    const trials = screen.getAllByRole("row", { name: /^[12] 0\.00/ });
    expect(trials.map(({ textContent }) => textContent)).toEqual([
      "10.00158216090.0%went on",
      "10.00058216080.0%",
      "20.00158232093.0%taken",
    ]);
  });

  it("tells what comes of answers that may be “not sure”", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, ...additions } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const sets = await screen.findByRole("region", { name: "When it may say “not sure”" });
    expect(within(sets).getByRole("row", { name: /^5%/ })).toHaveTextContent("5%3.8%1.2080.0%97.0%");
    expect(within(sets).getByRole("row", { name: /^20%/ })).toHaveTextContent("20%17.0%0.900.0%–");
  });

  describe("of a thousand labels", () => {
    const labels = Array.from({ length: 1000 }, (_, place) => `label ${place}`);
    const confusion = labels.map((_, truth) => {
      const row: number[] = labels.map((_, predicted) => (predicted === truth ? 7 : 0));
      row[(truth + 1) % 1000] = truth === 500 ? 9 : 1;
      return row;
    });
    const classes = labels.map((label, place) => ({
      label,
      precision: 0.9,
      recall: 0.8,
      f1: place / 1000,
      support: 8,
    }));

    beforeEach(() => {
      const large = { ...report, ...additions, labels, classes, confusion };
      server.on(`GET ${root}/versions/1`, ok(version({ report: large, labels })));
    });

    it("lists the most confused of them, to be sorted, instead of a million cells", async () => {
      const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");

      const confused = await screen.findByRole("region", { name: "Most confused labels" });
      expect(document.querySelectorAll("td, th, option").length).toBeLessThan(1000);
      expect(confused).toHaveTextContent(
        "1,000 pairs of the 1,000 labels were confused; here are the 200 most frequent.",
      );
      const rows = () => within(confused).getAllByRole("row").slice(1);
      expect(rows()).toHaveLength(15);
      expect(rows()[0]).toHaveTextContent("label 500label 501956%");
      await user.click(within(confused).getByRole("button", { name: "True label" }));
      expect(rows()[0]).toHaveTextContent("label 0label 1113%");
      await user.click(within(confused).getByRole("button", { name: "Show 185 more pairs" }));
      expect(rows()).toHaveLength(200);
    });

    it("gives the whole matrix away as a file", async () => {
      const files: Blob[] = [];
      vi.stubGlobal(
        "URL",
        class extends URL {
          static createObjectURL(file: Blob) {
            files.push(file);
            return "blob:matrix";
          }
          static revokeObjectURL() {}
        },
      );
      const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
      await user.click(await screen.findByRole("button", { name: "Whole matrix as CSV" }));

      const lines = ((await files[0]?.text()) ?? "").trimEnd().split("\r\n");
      expect(lines).toHaveLength(1001);
      expect(lines[501]?.split(",").slice(500, 503)).toEqual(["0", "7", "9"]);
    });

    it("shows the worst of them first where their heads are clicked, thirty at once", async () => {
      const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
      const byLabel = await screen.findByRole("region", { name: "By label" });
      expect(within(byLabel).getAllByRole("row")).toHaveLength(31);
      await user.click(within(byLabel).getByRole("button", { name: "F1" }));
      expect(within(byLabel).getAllByRole("row")[1]).toHaveTextContent(/^label 999/);
      expect(within(byLabel).getByRole("button", { name: "Show 970 more labels" })).toBeVisible();
    });

    it("finds another label for a row by typing", async () => {
      const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
      await user.type(await screen.findByRole("combobox", { name: "Another label for row 17" }), "label 77");
      await user.click(await screen.findByRole("option", { name: "label 777" }));

      expect(screen.getByLabelText("What becomes of row 17")).toHaveDisplayValue("It is label 777");
      expect(screen.getByText("1 label changed")).toBeVisible();
    });
  });

  it("unfolds on paper what is folded on the screen", async () => {
    const suspects = Array.from({ length: 14 }, (_, place) => ({
      ...additions.label_errors.suspects[0],
      row: place + 1,
    }));
    server.on(
      `GET ${root}/versions/1`,
      ok(
        version({
          report: { ...report, ...additions, label_errors: { judged: 360, num_suspects: 14, suspects } },
        }),
      ),
    );
    renderApp("/t/acme/tasks/mail-topics/versions/1");
    const region = await screen.findByRole("region", { name: "Labels that may be wrong" });
    expect(within(region).queryByText("Row 14")).toBeNull();
    act(() => void window.dispatchEvent(new Event("beforeprint")));
    expect(within(region).getByText("Row 14")).toBeVisible();
    act(() => void window.dispatchEvent(new Event("afterprint")));
    expect(within(region).queryByText("Row 14")).toBeNull();
  });

  it("does not guess at a report of another format", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: { ...report, format_version: 2 } })));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByText("No report to show")).toBeVisible();
  });

  it("shows what a number was off at, and what PLOT costs in its units", async () => {
    const cost = {
      computed_accuracy: -0.36,
      plot_accuracy: -0.38,
      delta_points: -2,
      delta_points_ci95: [-4, 1],
    };
    server.on(
      `GET ${root}/versions/1`,
      ok(version({ report: { ...scoreReport, plot_cost: cost }, labels: [] })),
    );
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    const costs = await screen.findByRole("region", { name: "What PLOT costs" });
    expect(costs).toHaveTextContent(
      "It is off by 0.38 on average; computing the lower layers gives 0.36. " +
        "Looking up costs 0.02 more (95% interval -0.01 to 0.04).",
    );
    const mistakes = screen.getByRole("region", { name: "Worst mistakes" });
    expect(mistakes).toHaveTextContent(/Labelled\s*1\s*It said\s*3.4/);
    const choices = within(within(mistakes).getByLabelText("What becomes of row 23")).getAllByRole("option");
    expect(choices.map(({ textContent }) => textContent)).toEqual(["Leave as it is", "Leave the row out"]);
  });
});

describe("a report's rows", () => {
  const dataset = version().dataset ?? "";
  const corrected = "6a1f0000-0000-4000-8000-000000000024";
  const datasets = "/api/v1/tenants/acme/datasets";
  let server: FakeServer;

  beforeEach(() => {
    sessionStorage.clear();
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}`, ok(task()))
      .on(`GET ${root}/versions/1`, ok(version({ report: { ...report, ...additions } })))
      .on(`GET ${datasets}/${dataset}/rows`, ok({ count: 400, results: [] }))
      .on(`GET /api/v1/tenants/acme/trainings/${training().id}`, ok(training()))
      .on(`GET /api/v1/tenants/acme/trainings/${training().id}/events`, page())
      .on(`POST ${datasets}/${dataset}/corrections`, ok(example({ id: corrected, state: "checking" }), 201))
      .on(`GET ${datasets}/${corrected}`, ok(example({ id: corrected, version: 2 })))
      .on(`POST ${root}/trainings`, ok(training(), 201));
  });

  const sent = (route: string) => server.sentTo(route).map(({ body }) => body);

  it("are set right in place and learnt from, in the way of the version", async () => {
    const { user, router } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    await user.click(await screen.findByRole("button", { name: /^It is delivery.*row 17/ }));
    await user.selectOptions(screen.getByLabelText("What becomes of row 23"), "Leave the row out");
    expect(screen.getByText("1 label changed, 1 row left out")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Retrain with the corrections" }));

    await expect.poll(() => router.state.location.pathname).toMatch(/\/trainings\//);
    expect(sent(`POST ${datasets}/${dataset}/corrections`)).toEqual([
      {
        corrections: [
          { row: 17, label: "delivery", drop: false },
          { row: 23, drop: true },
        ],
      },
    ]);
    expect(sent(`POST ${root}/trainings`)).toEqual([{ dataset: corrected, recipe: training().recipe }]);
    expect(await screen.findByText(/To undo, train on the earlier version/)).toBeVisible();
    expect(sessionStorage.getItem(`hmi-corrections acme ${dataset}`)).toBeNull();
  });

  it("that were judged while the others were on their way stay to be learnt from", async () => {
    let examined: () => void = () => undefined;
    server.on(`GET ${datasets}/${corrected}`, async () => {
      await new Promise<void>((resolve) => (examined = resolve));
      return ok(example({ id: corrected, version: 2 }));
    });
    const { user, router } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    await user.click(await screen.findByRole("button", { name: /^It is delivery.*row 17/ }));
    await user.click(screen.getByRole("button", { name: "Retrain with the corrections" }));
    await expect.poll(() => sent(`GET ${datasets}/${corrected}`)).toHaveLength(1);
    await user.selectOptions(screen.getByLabelText("What becomes of row 23"), "Leave the row out");
    examined();

    await expect.poll(() => router.state.location.pathname).toMatch(/\/trainings\//);
    expect(JSON.parse(sessionStorage.getItem(`hmi-corrections acme ${dataset}`) ?? "")).toEqual([
      { row: 23, drop: true },
    ]);
  });

  it("are given other values, by suggestion or by hand, where a score is predicted", async () => {
    const suspects = [{ row: 17, value: 1, suggested: 3.4172, doubt: 6.2 }];
    const label_errors = { judged: 240, spread: 0.39, num_suspects: 1, suspects };
    const learning_curve = additions.learning_curve;
    server.on(
      `GET ${root}/versions/1`,
      ok(version({ report: { ...scoreReport, label_errors, learning_curve }, labels: [] })),
    );
    const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    const region = await screen.findByRole("region", { name: "Values that may be wrong" });
    expect(region).toHaveTextContent("off by 0.39 as a rule, and at 1 by three times that or more");
    expect(screen.getByRole("region", { name: "Would more rows help?" })).toHaveTextContent(
      "The R² of a simple",
    );
    await user.click(within(region).getByRole("button", { name: /^It is 3.42.*row 17/ }));
    const byHand = screen.getByLabelText("Value of row 23");
    await user.clear(byHand);
    await user.type(byHand, "2.5");
    expect(screen.getByText("2 values changed")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Retrain with the corrections" }));

    await expect
      .poll(() => sent(`POST ${datasets}/${dataset}/corrections`))
      .toEqual([
        {
          corrections: [
            { row: 17, value: 3.42, drop: false },
            { row: 23, value: 2.5, drop: false },
          ],
        },
      ]);
  });

  it("are given other labels, all at once or one by one, where a text has several", async () => {
    server.on(
      `GET ${root}/versions/1`,
      ok(version({ report: multiLabelReport, labels: multiLabelReport.labels })),
    );
    const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    const region = await screen.findByRole("region", { name: "Labels that may be wrong" });
    expect(region).toHaveTextContent("looked at 240 rows and doubt labels of 1, given or missing.");
    const slices = screen.getByRole("region", { name: "Where it is good, and where not" });
    expect(within(slices).getByRole("columnheader", { name: "Exactly right" })).toBeVisible();
    expect(slices).toHaveTextContent("10 to 80 characters2065.0%");
    expect(screen.getByText(/^Left to right the score.* Each label's scores were stretched/)).toBeVisible();
    const byLabel = screen.getByRole("region", { name: "By label" });
    expect(within(byLabel).getByRole("columnheader", { name: "Score error" })).toBeVisible();
    expect(within(byLabel).getByRole("row", { name: /^billing/ })).toHaveTextContent("90.0%4.2%20");
    const suggested = within(region).getByRole("button", { name: /^It is billing, delivery.*row 17/ });
    await user.click(suggested);
    expect(suggested).toHaveAttribute("aria-pressed", "true");
    expect(screen.getByLabelText("What becomes of row 17")).toHaveDisplayValue("Set right");
    await user.click(screen.getByRole("button", { name: "Retrain with the corrections" }));

    await expect
      .poll(() => sent(`POST ${datasets}/${dataset}/corrections`))
      .toEqual([{ corrections: [{ row: 17, labels: ["billing", "delivery"], drop: false }] }]);
  });

  it("are marked as the model has them where places are found, and as they were after undoing", async () => {
    server.on(`GET ${root}/versions/1`, ok(version({ report: spansReport, labels: spansReport.labels })));
    const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    const suspect = await screen.findByRole("button", { name: /^Mark as underlined.*row 31/ });
    await user.click(suspect);
    expect(suspect).toHaveAttribute("aria-pressed", "true");
    expect(screen.getByLabelText("What becomes of row 31")).toHaveDisplayValue("Set right");
    await user.click(suspect);
    expect(screen.queryByText(/marked anew/)).toBeNull();
    await user.click(suspect);
    await user.click(screen.getByRole("button", { name: /^Mark nothing.*row 23/ }));
    expect(screen.getByText("2 rows marked anew")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Retrain with the corrections" }));

    await expect
      .poll(() => sent(`POST ${datasets}/${dataset}/corrections`))
      .toEqual([
        {
          corrections: [
            { row: 31, spans: [{ start: 4, end: 9, label: "DATE" }], drop: false },
            { row: 23, spans: [], drop: false },
          ],
        },
      ]);
  });

  it("are as they were after undoing, one by one or all", async () => {
    const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    const suspect = await screen.findByRole("button", { name: /^It is delivery.*row 17/ });
    await user.click(suspect);
    expect(suspect).toHaveAttribute("aria-pressed", "true");
    expect(screen.getByLabelText("What becomes of row 17")).toHaveDisplayValue("It is delivery");
    await user.click(suspect);
    expect(screen.queryByText(/label changed/)).toBeNull();

    await user.click(suspect);
    await user.click(screen.getByRole("button", { name: "Undo all" }));
    expect(screen.getByLabelText("What becomes of row 17")).toHaveDisplayValue("Leave as it is");
  });

  it("stay decided when the page is left, and make no second version of the data when a training is refused", async () => {
    server.on(`POST ${root}/trainings`, refusal(409, "conflict", "Another training is under way."));
    const { user, router } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    await user.click(await screen.findByRole("button", { name: /^It is delivery.*row 17/ }));
    await router.navigate("/t/acme/members");
    await router.navigate("/t/acme/tasks/mail-topics/versions/1");
    const retrain = await screen.findByRole("button", { name: "Retrain with the corrections" });
    await user.click(retrain);
    expect(await screen.findByText("Another training is under way.")).toBeVisible();
    await user.click(retrain);

    await expect.poll(() => sent(`POST ${root}/trainings`)).toHaveLength(2);
    expect(sent(`POST ${datasets}/${dataset}/corrections`)).toHaveLength(1);
  });

  it("are only read by a viewer", async () => {
    server.on("GET /api/v1/me", ok(me("viewer")));
    renderApp("/t/acme/tasks/mail-topics/versions/1");

    expect(await screen.findByRole("region", { name: "Labels that may be wrong" })).toBeVisible();
    expect(screen.queryByLabelText("What becomes of row 17")).toBeNull();
  });
});
