import { screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { allowance, me, task } from "@/testing/examples";
import { FakeServer, ok } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme/usage";
const row = { num_requests: 2, num_texts: 3, num_tokens: 40, num_truncated: 1 };
const other = "6a1f0000-0000-4000-8000-0000000000aa";
const quotas = allowance({
  requests_per_s: 20,
  burst: 40,
  quota_texts: 1000,
  used_texts: 850,
  used_tokens: 12_345,
});
const shop = { key: "shop", key_id: "6a1f0000-0000-4000-8000-0000000000ab" };
const gone = { key: null, key_id: "6a1f0000-0000-4000-8000-0000000000ac" };

describe("usage", () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/allowance`, ok(quotas))
      .on(`GET ${root}`, ({ query }) =>
        ok({
          days: Number(query.get("days")),
          results: [
            { ...row, ...gone, task: null, task_id: other, day: "2026-01-05" },
            { ...row, ...shop, task: "mail-topics", task_id: task().id, day: "2026-01-05", num_texts: 30 },
            { ...row, ...gone, task: "mail-topics", task_id: task().id, day: "2026-01-06" },
          ],
        }),
      );
  });

  it("is shown by task and by key, also of what is deleted, and given as a file", async () => {
    const { user } = renderApp("/t/acme/usage");

    const rows = async (title: string) =>
      within(await screen.findByRole("region", { name: title }))
        .getAllByRole("row")
        .slice(1)
        .map(({ textContent }) => textContent);
    expect(await rows("By task")).toEqual(["mail-topics433802", "A deleted task23401"]);
    expect(await rows("By key")).toEqual(["shop230401", "A deleted key46802"]);
    // Where a table is wider than the page, the keyboard scrolls it.
    for (const table of screen.getAllByRole("table")) {
      expect(table.closest("[tabindex='0']")).not.toBeNull();
    }
    await user.click(screen.getByText("90 days"));
    expect(await screen.findByRole("radio", { name: "90 days" })).toBeChecked();
    expect(screen.getByRole("link", { name: "Download as CSV" })).toHaveAttribute(
      "href",
      `${root}?form=csv&by=key&days=90`,
    );
  });

  it("shows what of the quota is used, and warns before it is used up", async () => {
    renderApp("/t/acme/usage");

    const plan = await screen.findByRole("region", { name: "Your plan: Standard" });
    expect(within(plan).getByRole("progressbar", { name: "Texts used" })).toHaveAttribute(
      "aria-valuenow",
      "85",
    );
    expect(plan).toHaveTextContent("850 of 1,000");
    expect(plan).toHaveTextContent("Nearly used up.");
    expect(plan).toHaveTextContent("Tokens since Jan 1: 12,345; there is no limit.");
    expect(plan).toHaveTextContent("Each key may send 20 requests a second, and 40 at once.");
  });

  it("shows what is stored, and warns before there is no room", async () => {
    renderApp("/t/acme/usage");
    expect(await screen.findByText("Stored now: 5.0 MB; there is no limit.")).toBeVisible();
  });

  it.each([
    [6_000_000, "5.0 MB of 6.0 MB", "Nearly full. Past it uploads are refused"],
    [4_000_000, "5.0 MB of 4.0 MB", "Full: uploads are refused."],
  ])("shows what is stored of at most %d bytes", async (most, figures, words) => {
    server.on(`GET ${root}/allowance`, ok({ ...quotas, max_stored_bytes: most }));
    renderApp("/t/acme/usage");

    const plan = await screen.findByRole("region", { name: "Your plan: Standard" });
    expect(within(plan).getByRole("progressbar", { name: "Storage used" })).toBeVisible();
    expect(plan).toHaveTextContent(figures);
    expect(plan).toHaveTextContent(words);
  });

  it("says that a quota is used up", async () => {
    server.on(`GET ${root}/allowance`, ok({ ...quotas, period: "day", used_texts: 1200 }));
    renderApp("/t/acme/usage");

    expect(await screen.findByText(/calls are refused until the next day \(UTC\) begins/)).toBeVisible();
  });

  it("says what will be here when there is none", async () => {
    server.on(`GET ${root}`, ok({ days: 30, results: [] }));
    renderApp("/t/acme/usage");

    expect(await screen.findByText("No calls in the last 30 days")).toBeVisible();
  });
});
