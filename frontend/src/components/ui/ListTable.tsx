/** A table with named columns; where it is wider than the page it scrolls by itself, with the keyboard too. */

import { Table, type TableProps } from "@mantine/core";

interface Props extends TableProps {
  /** In pixels; below it the table scrolls. */
  minWidth: number;
  columns: string[];
}

/** `children` are its rows. */
export function ListTable({ minWidth, columns, children, ...props }: Props) {
  return (
    <Table.ScrollContainer minWidth={minWidth} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing="sm" {...props}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column}>{column}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
