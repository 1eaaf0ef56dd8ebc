/** Sums over the days of each task or key, the most used first. */

import { Table } from "@mantine/core";
import type { ReactNode } from "react";

import { formatNumber } from "@/lib/format";
import type { UsageRow } from "@/lib/types";

import { total } from "../days";

interface Props {
  /** What a line is: "Task" or "Key". */
  head: string;
  lines: { id: string; name: ReactNode; rows: UsageRow[] }[];
}

export function UsageTable({ head, lines }: Props) {
  return (
    <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{head}</Table.Th>
            <Table.Th ta="right">Calls</Table.Th>
            <Table.Th ta="right">Texts</Table.Th>
            <Table.Th ta="right">Tokens</Table.Th>
            <Table.Th ta="right">Texts that were cut</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map(({ id, name, rows }) => (
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
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
