/** A table with named columns; where it is wider than its place it scrolls by itself, with the keyboard too, and its scroll bar shows it. */

import { Table, type TableProps, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";

interface Column {
  name: string;
  /** Numbers stand to the right. */
  isNumber?: boolean;
  /** In pixels. */
  width?: number;
  /** For screen readers alone: a column of buttons. */
  isHidden?: boolean;
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

function Head({ name, isNumber, isHidden, width }: Column) {
  return (
    <Table.Th ta={isNumber ? "right" : undefined} w={width}>
      {isHidden ? <VisuallyHidden>{name}</VisuallyHidden> : name}
    </Table.Th>
  );
}
