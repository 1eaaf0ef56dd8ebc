/** Accuracy for short and long texts, and for texts that PLOT knew much or little of. */

import { Table } from "@mantine/core";

import { formatNumber, formatPercent } from "@/lib/format";

import type { Slice } from "../report";

interface Props {
  slices: Slice[];
  /** What the slices' accuracy is called. */
  figure: string;
}

export function SliceTable({ slices, figure }: Props) {
  return (
    <Table verticalSpacing={6}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Held-out rows</Table.Th>
          <Table.Th ta="right">Rows</Table.Th>
          <Table.Th ta="right">{figure}</Table.Th>
          <Table.Th ta="right">95% interval</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {slices.map((slice) => {
          const [low, high] = slice.accuracy_ci95;
          return (
            <Table.Tr key={`${slice.kind} ${slice.low}`}>
              <Table.Th scope="row" fw={500}>
                {nameOf(slice)}
              </Table.Th>
              <Table.Td ta="right">{formatNumber(slice.rows)}</Table.Td>
              <Table.Td ta="right">{formatPercent(slice.accuracy)}</Table.Td>
              <Table.Td ta="right">
                {formatPercent(low, 0)} to {formatPercent(high, 0)}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

function nameOf({ kind, low, high }: Slice): string {
  return kind === "length"
    ? `${formatNumber(low)} to ${formatNumber(high)} characters`
    : `${formatPercent(low, 0)} to ${formatPercent(high, 0)} of the text known to PLOT`;
}
