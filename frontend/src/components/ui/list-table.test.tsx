import { MantineProvider, Table } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { ListTable } from "./ListTable";
import { useSorted } from "./use-sorted";

const rows = [
  { label: "b10", rows: 5 },
  { label: "a", rows: null },
  { label: "b9", rows: 70 },
];

function Labels() {
  const { sorted, sort } = useSorted(rows, { label: (row) => row.label, rows: (row) => row.rows });
  return (
    <ListTable
      minWidth={100}
      columns={[
        { name: "Label", ...sort("label") },
        { name: "Rows", isNumber: true, ...sort("rows") },
        "Note",
      ]}
    >
      {sorted.map(({ label }) => (
        <Table.Tr key={label}>
          <Table.Th scope="row">{label}</Table.Th>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

const order = () => screen.getAllByRole("rowheader").map((cell) => cell.textContent);
const head = (name: string) => screen.getByRole("columnheader", { name });

it("sorts by the column whose head is clicked, with the keyboard too, and says so", async () => {
  const user = userEvent.setup();
  render(<Labels />, { wrapper: MantineProvider });
  expect(order()).toEqual(["b10", "a", "b9"]);
  expect(head("Label")).toHaveAttribute("aria-sort", "none");
  expect(head("Note")).not.toHaveAttribute("aria-sort");

  await user.click(screen.getByRole("button", { name: "Label" }));
  expect(order()).toEqual(["a", "b9", "b10"]);
  expect(head("Label")).toHaveAttribute("aria-sort", "ascending");

  await user.keyboard("{Enter}");
  expect(order()).toEqual(["b10", "b9", "a"]);
  await user.keyboard("{Enter}");
  expect(order()).toEqual(["b10", "a", "b9"]);
  expect(head("Label")).toHaveAttribute("aria-sort", "none");
});

it("begins with the greatest number, and what has none stands last both ways", async () => {
  const user = userEvent.setup();
  render(<Labels />, { wrapper: MantineProvider });
  const rowsHead = screen.getByRole("button", { name: "Rows" });
  await user.click(rowsHead);
  expect(order()).toEqual(["b9", "b10", "a"]);
  await user.click(rowsHead);
  expect(order()).toEqual(["b10", "b9", "a"]);
});
