/** What an update did to a domain's node: rows before and after, added and dropped, by rung. */

import { Table } from "@mantine/core";

import { formatNumber } from "@/lib/format";
import type { TreeDiff } from "@/lib/types";
import { ListTable } from "@/components/ui/ListTable";

const rungWords: Record<string, string> = {
  trigram: "Three tokens",
  left: "Two tokens, the left neighbour",
  right: "Two tokens, the right neighbour",
  bigram: "Two tokens",
  unigram: "One token",
};

export function TreeDiffTable({ diff }: { diff: TreeDiff }) {
  const rungs = [...new Set([...Object.keys(diff.rows_before), ...Object.keys(diff.rows_after)])];
  return (
    <ListTable
      minWidth={440}
      verticalSpacing={4}
      fz="sm"
      columns={[
        "N-grams",
        { name: "Before", isNumber: true },
        { name: "Added", isNumber: true },
        { name: "Dropped", isNumber: true },
        { name: "After", isNumber: true },
      ]}
    >
      {rungs.map((rung) => (
        <Table.Tr key={rung}>
          <Table.Th scope="row" fw={400}>
            {rungWords[rung] ?? rung}
          </Table.Th>
          <Table.Td ta="right">{formatNumber(diff.rows_before[rung] ?? 0)}</Table.Td>
          <Table.Td ta="right">{formatNumber(diff.rows_added[rung] ?? 0)}</Table.Td>
          <Table.Td ta="right">{formatNumber(diff.rows_dropped[rung] ?? 0)}</Table.Td>
          <Table.Td ta="right">{formatNumber(diff.rows_after[rung] ?? 0)}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
