import { act, screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { dataset as example, me, spansReport, task, training, version } from "@/testing/examples";
import { FakeServer, ok, page } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme/tasks/mail-topics";
const datasets = "/api/v1/tenants/acme/datasets";
const dataset = version().dataset ?? "";
const corrected = "6a1f0000-0000-4000-8000-000000000024";

//           0 2   6   10  14 17  21
const text = "😀 Ann Lee met Bo Li, today.";
const bo = { start: 14, end: 16, label: "NAME" };
const suspect = { row: 31, spans: [bo], suggested: [{ ...bo, end: 19 }], doubt: 0.9 };

describe("the words of a row", () => {
  let server: FakeServer;

  const serve = (rowText: string, labels = spansReport.labels) => {
    const label_errors = { judged: 240, num_suspects: 1, suspects: [suspect] };
    const report = { ...spansReport, labels, mistakes: [], label_errors };
    server
      .on(`GET ${root}/versions/1`, ok(version({ report, labels })))
      .on(
        `GET ${datasets}/${dataset}/rows`,
        ok({ count: 400, results: [{ row: 31, text: rowText, label: "", pair: null }] }),
      );
  };

  beforeEach(() => {
    sessionStorage.clear();
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}`, ok(task()))
      .on(`GET /api/v1/tenants/acme/trainings/${training().id}`, ok(training()))
      .on(`GET /api/v1/tenants/acme/trainings/${training().id}/events`, page())
      .on(`POST ${datasets}/${dataset}/corrections`, ok(example({ id: corrected, state: "checking" }), 201))
      .on(`GET ${datasets}/${corrected}`, ok(example({ id: corrected, version: 2 })))
      .on(`POST ${root}/trainings`, ok(training(), 201));
    serve(text);
  });

  async function open() {
    const { user } = renderApp("/t/acme/tasks/mail-topics/versions/1");
    await user.click(await screen.findByRole("button", { name: /^Mark by hand.*row 31/ }));
    const editor = screen.getByRole("group", { name: "Spans of row 31" });
    const box = within(editor).getByRole("application", { name: /^Text of row 31/ });
    const press = (name: string | RegExp) => user.click(within(editor).getByRole("button", { name }));
    return { user, editor, box, press };
  }

  /** Drags the mouse over so many UTF-16 units of a node. */
  async function drag(
    user: Awaited<ReturnType<typeof open>>["user"],
    from: Node,
    start: number,
    end: number,
  ) {
    await user.pointer([
      { keys: "[MouseLeft>]", target: from.parentElement as Element, node: from, offset: start },
      { node: from, offset: end },
      { keys: "[/MouseLeft]" },
    ]);
  }

  const marks = (box: HTMLElement) =>
    [...box.querySelectorAll("mark")].map((mark) => `${mark.textContent} ${mark.dataset.label ?? ""}`);

  async function sent(user: Awaited<ReturnType<typeof open>>["user"]) {
    await user.click(screen.getByRole("button", { name: "Retrain with the corrections" }));
    await expect.poll(() => server.sentTo(`POST ${datasets}/${dataset}/corrections`)).toHaveLength(1);
    return server.sentTo(`POST ${datasets}/${dataset}/corrections`)[0]?.body;
  }

  it("are selected with the mouse, snapped to whole ones, and sent in code points", async () => {
    const { user, editor, box, press } = await open();
    const before = box.querySelector("span span")?.firstChild as Text;
    expect(before.data).toBe("😀 Ann Lee met ");
    await drag(user, before, 4, 9); // nn Le
    expect(within(editor).getByRole("status")).toHaveTextContent("“Ann Lee”, not marked");
    await press("NAME");
    expect(within(editor).getByRole("status")).toHaveTextContent("“Ann Lee” is NAME");
    expect(marks(box)).toEqual(["Ann Lee NAME", "Bo NAME"]);
    expect(box).toHaveTextContent(text, { normalizeWhitespace: false });
    expect(screen.getByText("Set to").nextSibling).toHaveTextContent("“Ann Lee” NAME and 1 in both");

    expect(await sent(user)).toEqual({
      corrections: [{ row: 31, spans: [{ start: 2, end: 9, label: "NAME" }, bo], drop: false }],
    });
  });

  it("are selected by touch: as handles are pulled, with no mouse that is let go", async () => {
    const { editor, box, press } = await open();
    const before = box.querySelector("span span")?.firstChild as Text;
    const selected = (end: number) => {
      act(() => {
        window.getSelection()?.setBaseAndExtent(before, 4, before, end);
        document.dispatchEvent(new Event("selectionchange"));
      });
      return window.getSelection()?.toString();
    };
    expect(selected(6)).toBe("nn");
    expect(within(editor).getByRole("status")).toHaveTextContent("“Ann”, not marked");
    expect(selected(9)).toBe("nn Le"); // the same node is there still
    expect(within(editor).getByRole("status")).toHaveTextContent("“Ann Lee”, not marked");
    expect(box.querySelector("[data-chosen]")).toBeNull(); // the browser shows it
    await press("One more before");
    expect(window.getSelection()?.isCollapsed).not.toBe(false);
    expect(box.querySelector("[data-chosen]")).toHaveTextContent("😀 Ann Lee");
    await press("DATE");
    expect(marks(box)).toEqual(["😀 Ann Lee DATE", "Bo NAME"]);
  });

  it("stay chosen when a touch on a label takes the selection away", async () => {
    const { editor, box, press } = await open();
    const before = box.querySelector("span span")?.firstChild as Text;
    act(() => {
      window.getSelection()?.setBaseAndExtent(before, 3, before, 6);
      document.dispatchEvent(new Event("selectionchange"));
    });
    act(() => {
      window.getSelection()?.removeAllRanges();
      document.dispatchEvent(new Event("selectionchange"));
    });
    expect(box.querySelector("[data-chosen]")).toHaveTextContent("Ann");
    expect(within(editor).getByRole("status")).toHaveTextContent("“Ann”, not marked");
    await press("NAME");
    expect(marks(box)).toEqual(["Ann NAME", "Bo NAME"]);
  });

  it("are chosen and marked with the keyboard alone", async () => {
    const { user, editor, box } = await open();
    expect(box).toHaveFocus();
    await user.keyboard("{ArrowRight}{ArrowRight}{Shift>}{ArrowRight}{/Shift}");
    expect(within(editor).getByRole("status")).toHaveTextContent("“Ann Lee”, not marked");
    await user.keyboard("{Enter}");
    expect(within(editor).getByRole("button", { name: "DATE" })).toHaveFocus();
    await user.keyboard("{Enter}");
    expect(box).toHaveFocus();
    expect(marks(box)).toEqual(["Ann Lee DATE", "Bo NAME"]);
    await user.keyboard("2"); // another label for the same words
    expect(marks(box)).toEqual(["Ann Lee NAME", "Bo NAME"]);
    await user.keyboard("{ArrowDown}{Delete}{End}{ArrowLeft}1");
    expect(marks(box)).toEqual(["Ann Lee NAME", "today DATE"]);

    expect(await sent(user)).toEqual({
      corrections: [
        {
          row: 31,
          spans: [
            { start: 2, end: 9, label: "NAME" },
            { start: 21, end: 26, label: "DATE" },
          ],
          drop: false,
        },
      ],
    });
  });

  it("lose their mark, or get another label, where one is clicked", async () => {
    const { user, editor, box, press } = await open();
    await user.click(within(box).getByText("Bo"));
    expect(within(editor).getByRole("button", { name: "NAME" })).toHaveAttribute("aria-pressed", "true");
    await press("DATE");
    expect(marks(box)).toEqual(["Bo DATE"]);
    await press("Remove the mark");
    expect(marks(box)).toEqual([]);
    expect(within(editor).getByRole("button", { name: "Remove the mark" })).toBeDisabled();
    expect(screen.getByText("1 row marked anew")).toBeVisible();
  });

  it("are never marked twice: a label takes the place of what it touches, and says so before", async () => {
    const { user, editor, box, press } = await open();
    await user.click(within(box).getByText("Bo"));
    await press("One more after");
    expect(within(editor).getByRole("status")).toHaveTextContent(
      "“Bo Li”: a label takes the place of “Bo” NAME",
    );
    await press("NAME");
    expect(marks(box)).toEqual(["Bo Li NAME"]);
  });

  it("are as before after undoing, step by step, or as given at once", async () => {
    const { user, editor, box, press } = await open();
    expect(within(editor).getByRole("button", { name: "Undo" })).toBeDisabled();
    await user.keyboard("{ArrowDown}1{ArrowRight}2");
    expect(marks(box)).toEqual(["Bo DATE", "Li NAME"]);
    await user.keyboard("{Control>}z{/Control}");
    expect(marks(box)).toEqual(["Bo DATE"]);
    await press("As given");
    expect(marks(box)).toEqual(["Bo NAME"]);
    expect(screen.queryByText(/marked anew/)).toBeNull();
    await press("Undo");
    expect(marks(box)).toEqual(["Bo DATE"]);
    await press("Undo");
    expect(marks(box)).toEqual(["Bo NAME"]);
    expect(within(editor).getByRole("button", { name: "Undo" })).toBeDisabled();
  });

  it("have no step to undo once something else has decided about the row", async () => {
    const { user, editor, box } = await open();
    await user.keyboard("{ArrowDown}1");
    await user.click(screen.getByRole("button", { name: /^Mark as underlined.*row 31/ }));
    expect(marks(box)).toEqual(["Bo Li NAME"]);
    expect(within(editor).getByRole("button", { name: "Undo" })).toBeDisabled();
  });

  it("can be marked in part, sign by sign", async () => {
    const { user, box, press } = await open();
    await user.click(screen.getByRole("switch", { name: "Whole words" }));
    await drag(user, box.querySelector("span span")?.firstChild as Text, 4, 6); // nn
    await press("NAME");
    expect(marks(box)).toEqual(["nn NAME", "Bo NAME"]);
    expect(await sent(user)).toMatchObject({ corrections: [{ spans: [{ start: 3, end: 5 }, bo] }] });
  });

  it("are gone through from right to left where they are so written", async () => {
    serve("שלום לכולם היום");
    const { user, editor } = await open();
    await user.keyboard("{Home}{ArrowLeft}");
    expect(within(editor).getByRole("status")).toHaveTextContent("לכולם");
  });

  it("find one of many labels by typing", async () => {
    serve(
      text,
      Array.from({ length: 12 }, (_, place) => `label ${place + 1}`),
    );
    const { user, editor, box } = await open();
    await user.keyboard("{ArrowRight}{ArrowRight}1{Enter}");
    expect(marks(box)).toEqual(["Bo NAME"]); // digits are for few labels
    const choice = within(editor).getByRole("combobox", { name: "Label of what is chosen" });
    expect(choice).toHaveFocus();
    await user.type(choice, "12");
    await user.click(await screen.findByRole("option", { name: "label 12" }));
    expect(marks(box)).toEqual(["Ann label 12", "Bo NAME"]);
  });

  it("lead back to where the editor was opened", async () => {
    const { press } = await open();
    await press(/^Done.*row 31/);
    expect(screen.getByRole("button", { name: /^Mark by hand.*row 31/ })).toHaveFocus();
    expect(screen.queryByRole("application")).toBeNull();
  });

  it("are not marked in a row that is left out", async () => {
    const { user } = await open();
    await user.selectOptions(screen.getByLabelText("What becomes of row 31"), "Leave the row out");
    expect(screen.queryByRole("application")).toBeNull();
    expect(screen.queryByRole("button", { name: /^Mark by hand/ })).toBeNull();
  });
});
