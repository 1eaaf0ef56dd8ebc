/** A table with named columns; where it is wider than its place it scrolls by itself, with the keyboard too, and its scroll bar shows it. */

import { Table, type TableProps, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { IconArrowDown, IconArrowsSort, IconArrowUp } from "@tabler/icons-react";
import type { ReactNode } from "react";

import type { Direction, Sortable } from "./use-sorted";

interface Column {
  name: string;
  /** Numbers stand to the right. */
  isNumber?: boolean;
  /** In pixels. */
  width?: number;
  /** For screen readers alone: a column of buttons. */
  isHidden?: boolean;
  /** Clicking on the head sorts by it; see useSorted. */
  sort?: Sortable;
}

interface Props extends TableProps {
  /** In pixels; below it the table scrolls. */
  minWidth: number;
  /** In pixels; above it the rows scroll. */
  maxHeight?: number;
  /** A table without them has no head. */
  columns?: (string | Column)[];
  caption?: ReactNode;
}

/** `children` are its rows. */
export function ListTable({ minWidth, maxHeight, columns, caption, children, ...props }: Props) {
  return (
    <Table.ScrollContainer
      minWidth={minWidth}
      maxHeight={maxHeight}
      scrollAreaProps={{ type: "auto", viewportProps: { tabIndex: 0 } }}
    >
      <Table verticalSpacing="sm" style={{ fontVariantNumeric: "tabular-nums" }} {...props}>
        {caption && <Table.Caption>{caption}</Table.Caption>}
        {columns && (
          <Table.Thead>
            <Table.Tr>
              {columns
                .map((column) => (typeof column === "string" ? { name: column } : column))
                .map((column, place) => (
                  <Head key={place} {...column} />
                ))}
            </Table.Tr>
          </Table.Thead>
        )}
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Head({ name, isNumber, isHidden, width, sort }: Column) {
  if (sort) {
    return (
      <Table.Th ta={isNumber ? "right" : undefined} w={width} aria-sort={sort.direction ?? "none"}>
        <UnstyledButton onClick={sort.onSort} fw={700} fz="inherit">
          <span style={{ display: "inline-flex", alignItems: "center", gap: 4 }}>
            {name}
            <SortIcon direction={sort.direction} />
          </span>
        </UnstyledButton>
      </Table.Th>
    );
  }
  return (
    <Table.Th ta={isNumber ? "right" : undefined} w={width}>
      {isHidden ? <VisuallyHidden>{name}</VisuallyHidden> : name}
    </Table.Th>
  );
}

function SortIcon({ direction }: { direction: Direction | null }) {
  if (direction === null) return <IconArrowsSort size={14} aria-hidden opacity={0.5} />;
  return direction === "ascending" ? (
    <IconArrowUp size={14} aria-hidden />
  ) : (
    <IconArrowDown size={14} aria-hidden />
  );
}
