import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { chunkBytes } from "@/features/datasets/api/send-in-chunks";
import type { DatasetDetail } from "@/lib/types";
import { dataset, domain, finding, me } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";
const second = "6a1f0000-0000-4000-8000-000000000024";

function reported(...findings: ReturnType<typeof finding>[]): DatasetDetail["report"] {
  const { report } = dataset();
  return report && { ...report, findings };
}

describe("a dataset", () => {
  let server: FakeServer;

  beforeEach(() => {
    localStorage.clear();
    server = new FakeServer();
    server.start();
    server.on("GET /api/v1/me", ok(me())).on(`GET ${root}/datasets`, page());
  });

  function serve(shown: DatasetDetail, ...versions: DatasetDetail[]) {
    server
      .on(`GET ${root}/datasets/${shown.id}`, ok(shown))
      .on(`GET ${root}/datasets/${shown.id}/versions`, page(shown, ...versions))
      .on(`GET ${root}/datasets/${shown.id}/rows`, ok({ count: shown.num_rows, results: [] }));
  }

  it("tells how much each domain knows of it, the most first", async () => {
    serve(dataset());
    const mails = domain();
    const coverages = [
      { domain_id: null, trigram: 0.1, bigram: 0.2, unigram: 0.7 },
      { domain_id: mails.id, trigram: 0.3, bigram: 0.25, unigram: 0.45 },
    ];
    server
      .on(`GET ${root}/domains`, page(mails))
      .on(
        `GET ${root}/datasets/${dataset().id}/suggestion`,
        ok({ state: "succeeded", error: null, best: mails.id, coverages, num_texts: 400 }),
      );
    renderApp(`/t/acme/datasets/${dataset().id}`);

    const known = await screen.findByRole("region", { name: "How much each domain knows of it" });
    await within(known).findByText("Mails");
    expect(known).toHaveTextContent(/Mails.*suggested.*55.0%.*General text.*30.0%.*400 texts/);
    expect(known).toHaveTextContent(/three tokens 30% · two tokens 25% · one token 45%/);
    expect(within(known).queryByText(/belong to/)).toBeNull();
  });

  const press = domain({ id: "6a1f0000-0000-4000-8000-0000000000b2", slug: "press", name: "Press" });
  const twoKinds = {
    state: "succeeded",
    error: null,
    best: domain().id,
    coverages: [{ domain_id: domain().id, trigram: 0.3, bigram: 0.25, unigram: 0.45 }],
    num_texts: 400,
    split: {
      coverage: 0.6,
      coverage_together: 0.5,
      parts: [
        { domain_id: domain().id, num_rows: 300, coverage: 0.6, coverage_together: 0.6, examples: [2, 5] },
        { domain_id: press.id, num_rows: 100, coverage: 0.7, coverage_together: 0.4, examples: [320] },
      ],
    },
  };

  it("makes a dataset of each part where its rows belong to two domains", async () => {
    serve(dataset());
    const parts = [
      dataset({ id: second, name: "mails.csv: Mails" }),
      dataset({ id: press.id, name: "mails.csv: Press" }),
    ];
    server
      .on(`GET ${root}/domains`, page(domain(), press))
      .on(`GET ${root}/datasets/${dataset().id}/suggestion`, ok(twoKinds))
      .on(`POST ${root}/datasets/${dataset().id}/suggestion/split`, ok({ results: parts }, 201));
    const { user } = renderApp(`/t/acme/datasets/${dataset().id}`);

    const known = await screen.findByRole("region", { name: "How much each domain knows of it" });
    expect(await within(known).findByText("These rows belong to 2 domains")).toBeVisible();
    expect(known).toHaveTextContent(/Mails.*300 rows.*75.0%.*in lines 2, 5.*Press.*100 rows.*25.0%/);
    expect(known).toHaveTextContent(/Knows 70% of them, instead of 40%/);
    await user.click(within(known).getByRole("button", { name: "Make a dataset of each part" }));
    await user.click(await screen.findByRole("button", { name: "Make them" }));

    expect(await screen.findByRole("link", { name: "mails.csv: Press" })).toHaveAttribute(
      "href",
      `/t/acme/datasets/${press.id}`,
    );
    expect(within(known).queryByRole("button", { name: "Make a dataset of each part" })).toBeNull();
  });

  it("says why a split is refused", async () => {
    serve(dataset());
    server
      .on(`GET ${root}/domains`, page(domain(), press))
      .on(`GET ${root}/datasets/${dataset().id}/suggestion`, ok(twoKinds))
      .on(
        `POST ${root}/datasets/${dataset().id}/suggestion/split`,
        refusal(409, "conflict", "This dataset has been split already."),
      );
    const { user } = renderApp(`/t/acme/datasets/${dataset().id}`);
    await user.click(await screen.findByRole("button", { name: "Make a dataset of each part" }));
    await user.click(await screen.findByRole("button", { name: "Make them" }));
    expect(await screen.findByText("This dataset has been split already.")).toBeVisible();
  });

  it("does not offer viewers to split", async () => {
    serve(dataset());
    server
      .on("GET /api/v1/me", ok(me("viewer")))
      .on(`GET ${root}/domains`, page(domain(), press))
      .on(`GET ${root}/datasets/${dataset().id}/suggestion`, ok(twoKinds));
    renderApp(`/t/acme/datasets/${dataset().id}`);
    expect(await screen.findByText("These rows belong to 2 domains")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Make a dataset of each part" })).toBeNull();
  });

  it("shows labels, lengths and downloads", async () => {
    serve(dataset());
    renderApp(`/t/acme/datasets/${dataset().id}`);

    expect(await screen.findByText("No problems found")).toBeVisible();
    const lengths = screen.getByRole("region", { name: "Lengths of the texts" });
    expect(lengths).toHaveTextContent(/25 to 49 characters\s*300 rows/);
    expect(within(lengths).queryByText(/and more/)).toBeNull();
    expect(lengths).toHaveTextContent("30 characters on average, the longest has 48.");
    expect(screen.getByRole("link", { name: "As it came" })).toHaveAttribute(
      "href",
      `${root}/datasets/${dataset().id}/original`,
    );
    expect(screen.getByRole("link", { name: "As it was cleaned" })).toHaveAttribute(
      "href",
      `${root}/datasets/${dataset().id}/cleaned`,
    );
  });

  it("mends with one click, waits for the examination, and shows what was left out", async () => {
    const broken = dataset({ state: "blocked", report: reported(finding()) });
    const fix = finding().fixes;
    const checking = dataset({ id: second, version: 2, state: "checking", report: null, fixes: fix });
    const report = { ...reported(), left_out: [{ finding: "ragged_rows", rows: [7], num_rows: 1 }] };
    serve(broken);
    serve(checking, broken);
    server.on(`POST ${root}/datasets/${broken.id}/fixes`, ok(checking, 201));
    const { user } = renderApp(`/t/acme/datasets/${broken.id}`);

    expect(await screen.findByText("Must be fixed before training")).toBeVisible();
    expect(screen.getByText("one, two,billing")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Leave these rows out" }));

    expect(await screen.findByText("The file is being examined")).toBeVisible();
    expect(server.sentTo(`POST ${root}/datasets/${broken.id}/fixes`)[0]?.body).toEqual({
      fixes: ["drop:ragged_rows"],
    });
    serve({ ...checking, state: "ready", report: report as DatasetDetail["report"] }, broken);
    expect(await screen.findByText("No problems found", {}, { timeout: 4000 })).toBeVisible();
    expect(screen.getByText(/Left out by your choice \(ragged rows\): 1 row, in lines 7/)).toBeVisible();
    expect(screen.getByRole("link", { name: "Version 1" })).toHaveAttribute(
      "href",
      `/t/acme/datasets/${broken.id}`,
    );
  });

  it("does the first suggestion for everything that stands in the way at once", async () => {
    const other = finding({
      code: "empty_texts",
      message: "The text is empty in row 9.",
      fixes: [{ id: "drop:empty_texts", kind: "drop", finding: "empty_texts", words: "Leave it out" }],
    });
    const note = finding({ code: "delimiter", severity: "note", message: "A semicolon.", fixes: [] });
    const broken = dataset({ state: "blocked", report: reported(finding(), other, note) });
    serve(broken);
    server.on(`POST ${root}/datasets/${broken.id}/fixes`, refusal(409, "conflict", "Wait a little."));
    const { user } = renderApp(`/t/acme/datasets/${broken.id}`);
    await user.click(
      await screen.findByRole("button", { name: "Do the first suggestion for each of the 2" }),
    );

    expect(server.sentTo(`POST ${root}/datasets/${broken.id}/fixes`)[0]?.body).toEqual({
      fixes: ["drop:ragged_rows", "drop:empty_texts"],
    });
    expect(await screen.findByText("Wait a little.")).toBeVisible();
    expect(screen.getByText("Good to know")).toBeVisible();
  });

  it("reads other columns when asked to", async () => {
    serve(dataset());
    server.on(`POST ${root}/datasets/${dataset().id}/fixes`, ok(dataset(), 201));
    const { user } = renderApp(`/t/acme/datasets/${dataset().id}`);
    await user.selectOptions(await screen.findByLabelText("Column with the text"), "label");
    expect(screen.getByRole("button", { name: "Read these columns" })).toBeDisabled();
    await user.selectOptions(screen.getByLabelText("Column with the label"), "text");
    await user.click(screen.getByRole("button", { name: "Read these columns" }));

    expect(server.sentTo(`POST ${root}/datasets/${dataset().id}/fixes`)[0]?.body).toEqual({
      fixes: [],
      columns: { text: "label", label: "text", has_header: true },
    });
  });

  it("offers deleting to owners alone", async () => {
    serve(dataset());
    server.on("GET /api/v1/me", ok(me("developer")));
    renderApp(`/t/acme/datasets/${dataset().id}`);

    expect(await screen.findByRole("heading", { name: dataset().name })).toBeVisible();
    expect(screen.queryByRole("button", { name: /^Delete/ })).toBeNull();
  });

  it("offers a viewer no fixes", async () => {
    server.on("GET /api/v1/me", ok(me("viewer")));
    serve(dataset({ state: "blocked", report: reported(finding()) }));
    renderApp(`/t/acme/datasets/${dataset().id}`);

    expect(await screen.findByText("Must be fixed before training")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Leave these rows out" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Read these columns" })).toBeNull();
  });
});

describe("a large file", () => {
  const upload = "6a1f0000-0000-4000-8000-000000000034";
  const numBytes = 2 * chunkBytes + 10;
  let server: FakeServer;
  let offset: number;

  beforeEach(() => {
    localStorage.clear();
    offset = 0;
    server = new FakeServer();
    server.start();
    const state = () =>
      ok({ id: upload, name: "a.csv", file_name: "a.csv", num_bytes: numBytes, offset, dataset: null });
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/datasets`, page())
      .on(`POST ${root}/uploads`, () => ({ ...state(), status: 201 }))
      .on(`GET ${root}/uploads/${upload}`, state)
      .on(`PATCH ${root}/uploads/${upload}`, ({ headers, body }) => {
        const from = Number(headers.get("Upload-Offset"));
        if (from !== offset) return refusal(409, "conflict", "Not there.", { offset });
        offset += String(body).length;
        return state();
      })
      .on(`POST ${root}/uploads/${upload}/dataset`, () => ok(dataset(), 201))
      .on(`GET ${root}/datasets/${dataset().id}`, ok(dataset()))
      .on(`GET ${root}/datasets/${dataset().id}/versions`, page(dataset()))
      .on(`GET ${root}/datasets/${dataset().id}/rows`, ok({ count: 0, results: [] }));
  });

  const file = () => new File(["x".repeat(numBytes)], "a.csv", { type: "text/csv", lastModified: 1 });
  const input = () => document.querySelector("input[type=file]") as HTMLInputElement;
  const offsets = () =>
    server.sentTo(`PATCH ${root}/uploads/${upload}`).map(({ headers }) => headers.get("Upload-Offset"));

  it("is sent in chunks", async () => {
    const { user } = renderApp("/t/acme/datasets");
    await screen.findByText(/Drop a CSV/);
    await user.upload(input(), file());

    expect(await screen.findByRole("heading", { name: "mails.csv" })).toBeVisible();
    expect(offsets()).toEqual(["0", String(chunkBytes), String(2 * chunkBytes)]);
    expect(localStorage).toHaveLength(0);
  });

  it("is not sent when it comes with others", async () => {
    renderApp("/t/acme/datasets");
    await screen.findByText(/Drop a CSV/);
    const other = new File(["text,label"], "b.csv", { type: "text/csv" });
    const files = [file(), other];
    const items = files.map((each) => ({ kind: "file", type: each.type, getAsFile: () => each }));
    fireEvent.drop(input(), { dataTransfer: { files, items, types: ["Files"] } });

    expect(await screen.findByRole("alert")).toHaveTextContent(
      "One file at a time: these were 2, and none was sent.",
    );
    expect(offsets()).toEqual([]);
  });

  it("is listed while bytes of it are missing, and can be given up", async () => {
    const created_at = "2026-01-05T10:00:00Z";
    let list = [
      { id: upload, file_name: "a.csv", num_bytes: numBytes, offset: chunkBytes, dataset: null, created_at },
    ];
    server
      .on(`GET ${root}/uploads`, () => page(...list))
      .on(`DELETE ${root}/uploads/${upload}`, () => {
        list = [];
        return { status: 204 };
      });
    const { user } = renderApp("/t/acme/datasets");

    const waitingFor = await screen.findByRole("region", { name: "Not all here yet" });
    expect(waitingFor).toHaveTextContent(/a\.csv: 50% of/);
    await user.click(within(waitingFor).getByRole("button", { name: "Give up a.csv" }));
    await waitFor(() => expect(waitingFor).not.toBeInTheDocument());
  });

  it("goes on where it was after the page was loaded anew", async () => {
    localStorage.setItem(`hmi-upload acme a.csv ${numBytes} 1 single_label`, upload);
    offset = chunkBytes;
    const { user } = renderApp("/t/acme/datasets");
    await screen.findByText(/Drop a CSV/);
    await user.upload(input(), file());

    expect(await screen.findByRole("heading", { name: "mails.csv" })).toBeVisible();
    expect(offsets()).toEqual([String(chunkBytes), String(2 * chunkBytes)]);
    expect(server.sentTo(`POST ${root}/uploads`)).toEqual([]);
  });

  it("believes the server about what has arrived when an answer was lost", async () => {
    let hasFailed = false;
    server.on(`PATCH ${root}/uploads/${upload}`, ({ headers, body }) => {
      const from = Number(headers.get("Upload-Offset"));
      if (from !== offset) return refusal(409, "conflict", "Not there.", { offset });
      offset += String(body).length;
      if (!hasFailed) {
        hasFailed = true;
        return refusal(502, "http_502", "Cut.");
      }
      return ok({ offset });
    });
    const { user } = renderApp("/t/acme/datasets");
    await screen.findByText(/Drop a CSV/);
    await user.upload(input(), file());

    expect(await screen.findByRole("heading", { name: "mails.csv" })).toBeVisible();
    expect(offsets()).toEqual(["0", "0", String(chunkBytes), String(2 * chunkBytes)]);
  });
});
