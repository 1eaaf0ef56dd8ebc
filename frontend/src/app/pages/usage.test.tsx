import { screen, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";

import { me, task } from "@/testing/examples";
import { FakeServer, ok } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const row = { num_requests: 2, num_texts: 3, num_tokens: 40, num_truncated: 1 };
const other = "6a1f0000-0000-4000-8000-0000000000aa";

it("shows usage by task, also of deleted ones, and gives it as a file", async () => {
  const server = new FakeServer();
  server.start();
  server.on("GET /api/v1/me", ok(me())).on("GET /api/v1/tenants/acme/usage", ({ query }) =>
    ok({
      days: Number(query.get("days")),
      results: [
        { ...row, task: null, task_id: other, day: "2026-01-05" },
        { ...row, task: "mail-topics", task_id: task().id, day: "2026-01-05", num_texts: 30 },
        { ...row, task: "mail-topics", task_id: task().id, day: "2026-01-06" },
      ],
    }),
  );
  const files: Blob[] = [];
  vi.stubGlobal(
    "URL",
    Object.assign(URL, {
      createObjectURL: (blob: Blob) => `blob:${files.push(blob)}`,
      revokeObjectURL: () => undefined,
    }),
  );
  const { user } = renderApp("/t/acme/usage");

  const table = await screen.findByRole("table");
  const [, first, second] = within(table).getAllByRole("row");
  expect(first).toHaveTextContent("mail-topics433802");
  expect(second).toHaveTextContent("A deleted task23401");
  await user.click(screen.getByText("90 days"));
  expect(await screen.findByRole("radio", { name: "90 days" })).toBeChecked();

  await user.click(screen.getByRole("button", { name: "Download as CSV" }));
  expect(await files[0]?.text()).toBe(
    [
      "day,task,task_id,num_requests,num_texts,num_tokens,num_truncated",
      `2026-01-05,,${other},2,3,40,1`,
      `2026-01-05,mail-topics,${task().id},2,30,40,1`,
      `2026-01-06,mail-topics,${task().id},2,3,40,1`,
      "",
    ].join("\r\n"),
  );
});

describe("usage", () => {
  it("says what will be here when there is none", async () => {
    const server = new FakeServer();
    server.start();
    server.on("GET /api/v1/me", ok(me())).on("GET /api/v1/tenants/acme/usage", ok({ days: 30, results: [] }));
    renderApp("/t/acme/usage");

    expect(await screen.findByText("No calls in the last 30 days")).toBeVisible();
    expect(screen.getByRole("button", { name: "Download as CSV" })).toBeDisabled();
  });
});
