/** The sums of each task, the most used first. */

import { Anchor, Table } from "@mantine/core";
import { Link } from "react-router";

import { formatNumber } from "@/lib/format";
import type { UsageRow } from "@/lib/types";

import { rowsByTask, total } from "../days";

interface Props {
  rows: UsageRow[];
  hrefOf: (task: string) => string;
}

export function UsageTable({ rows, hrefOf }: Props) {
  return (
    <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Task</Table.Th>
            <Table.Th ta="right">Calls</Table.Th>
            <Table.Th ta="right">Texts</Table.Th>
            <Table.Th ta="right">Tokens</Table.Th>
            <Table.Th ta="right">Texts that were cut</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rowsByTask(rows).map(({ task, taskId, rows: own }) => (
            <Table.Tr key={taskId}>
              <Table.Th scope="row" fw={500}>
                {task === null ? (
                  "A deleted task"
                ) : (
                  <Anchor component={Link} size="sm" to={hrefOf(task)}>
                    {task}
                  </Anchor>
                )}
              </Table.Th>
              <Table.Td ta="right">{formatNumber(total(own, "num_requests"))}</Table.Td>
              <Table.Td ta="right">{formatNumber(total(own, "num_texts"))}</Table.Td>
              <Table.Td ta="right">{formatNumber(total(own, "num_tokens"))}</Table.Td>
              <Table.Td ta="right">{formatNumber(total(own, "num_truncated"))}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
