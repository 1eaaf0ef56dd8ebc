/** How good a version is on short and long texts, and on texts that PLOT knew much or little of. */

import { Table } from "@mantine/core";

import { formatNumber, formatPercent, formatValue } from "@/lib/format";

import type { ErrorSlice, Slice } from "../report";

interface Props {
  slices: (Slice | ErrorSlice)[];
  /** What the slices' accuracy, or error, is called. */
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
          const { value, low, high } = toldOf(slice);
          return (
            <Table.Tr key={`${slice.kind} ${slice.low}`}>
              <Table.Th scope="row" fw={500}>
                {nameOf(slice)}
              </Table.Th>
              <Table.Td ta="right">{formatNumber(slice.rows)}</Table.Td>
              <Table.Td ta="right">{value}</Table.Td>
              <Table.Td ta="right">
                {low} to {high}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

/** A share in percent, an error in the data's units. */
function toldOf(slice: Slice | ErrorSlice) {
  if ("mae" in slice) {
    const [low, high] = slice.mae_ci95.map(formatValue);
    return { value: formatValue(slice.mae), low, high };
  }
  const [low, high] = slice.accuracy_ci95.map((share) => formatPercent(share, 0));
  return { value: formatPercent(slice.accuracy), low, high };
}

function nameOf({ kind, low, high }: Slice | ErrorSlice): string {
  return kind === "length"
    ? `${formatNumber(low)} to ${formatNumber(high)} characters`
    : `${formatPercent(low, 0)} to ${formatPercent(high, 0)} of the text known to PLOT`;
}
