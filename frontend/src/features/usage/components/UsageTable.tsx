/** Sums over the days of each task or key, the most used first. */

import { Table } from "@mantine/core";
import type { ReactNode } from "react";

import { formatNumber } from "@/lib/format";
import type { UsageRow } from "@/lib/types";

import { total } from "../days";
import { ListTable } from "@/components/ui/ListTable";
import { useSorted } from "@/components/ui/use-sorted";

interface Props {
  /** What a line is: "Task" or "Key". */
  head: string;
  lines: { id: string; name: ReactNode; rows: UsageRow[] }[];
}

export function UsageTable({ head, lines }: Props) {
  const { sorted, sort } = useSorted(lines, {
    calls: ({ rows }) => total(rows, "num_requests"),
    texts: ({ rows }) => total(rows, "num_texts"),
    tokens: ({ rows }) => total(rows, "num_tokens"),
    cut: ({ rows }) => total(rows, "num_truncated"),
  });
  return (
    <ListTable
      minWidth={520}
      columns={[
        head,
        { name: "Calls", isNumber: true, ...sort("calls") },
        { name: "Texts", isNumber: true, ...sort("texts") },
        { name: "Tokens", isNumber: true, ...sort("tokens") },
        { name: "Texts that were cut", isNumber: true, ...sort("cut") },
      ]}
    >
      {sorted.map(({ id, name, rows }) => (
        <Table.Tr key={id}>
          <Table.Th scope="row" fw={500}>
            {name}
          </Table.Th>
          <Table.Td ta="right">{formatNumber(total(rows, "num_requests"))}</Table.Td>
          <Table.Td ta="right">{formatNumber(total(rows, "num_texts"))}</Table.Td>
          <Table.Td ta="right">{formatNumber(total(rows, "num_tokens"))}</Table.Td>
          <Table.Td ta="right">{formatNumber(total(rows, "num_truncated"))}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
