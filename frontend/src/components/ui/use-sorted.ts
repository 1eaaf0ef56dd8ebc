/** Rows in the order of the column whose head was clicked; before that, and after the third click, as they came. */

import { useState } from "react";

type Value = number | string | null;
export type Direction = "ascending" | "descending";

/** What a column that can be sorted by adds to its head. */
export interface Sortable {
  /** Null: the rows are not in this column's order. */
  direction: Direction | null;
  onSort: () => void;
}

/** `values` has for each column that can be sorted by what a row has there; null stands last both ways. */
export function useSorted<Row, Name extends string>(rows: Row[], values: Record<Name, (row: Row) => Value>) {
  const [order, setOrder] = useState<{ by: Name; direction: Direction } | null>(null);
  const sort = (by: Name): { sort: Sortable } => ({
    sort: {
      direction: order?.by === by ? order.direction : null,
      onSort: () => setOrder(next(by, order?.by === by ? order.direction : null, rows.map(values[by]))),
    },
  });
  return { sorted: order ? inOrder(rows, values[order.by], order.direction) : rows, sort };
}

/** Of numbers one looks for the greatest first, of names for the beginning of the alphabet. */
function next<Name>(by: Name, direction: Direction | null, found: Value[]) {
  const first = found.some((value) => typeof value === "number") ? "descending" : "ascending";
  if (direction === null) return { by, direction: first } as const;
  if (direction !== first) return null;
  return { by, direction: first === "ascending" ? "descending" : "ascending" } as const;
}

function inOrder<Row>(rows: Row[], valueOf: (row: Row) => Value, direction: Direction): Row[] {
  return [...rows].sort((a, b) => {
    const [one, other] = [valueOf(a), valueOf(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    const ascending =
      typeof one === "number" && typeof other === "number"
        ? one - other
        : String(one).localeCompare(String(other), "en", { numeric: true });
    return direction === "ascending" ? ascending : -ascending;
  });
}
