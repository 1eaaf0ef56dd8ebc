/** Who changed what and when. */

import { Code, Table, Text } from "@mantine/core";

import { formatDate } from "@/lib/format";
import type { AuditEntry } from "@/lib/types";

export function AuditTable({ entries }: { entries: AuditEntry[] }) {
  return (
    <Table.ScrollContainer minWidth={640} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing={6} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>When</Table.Th>
            <Table.Th>Who</Table.Th>
            <Table.Th>What</Table.Th>
            <Table.Th>Details</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {entries.map(({ id, at, actor, action, details }) => (
            <Table.Tr key={id}>
              <Table.Td style={{ whiteSpace: "nowrap" }}>{formatDate(at)}</Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{actor}</Table.Td>
              <Table.Td>
                <Code>{action}</Code>
              </Table.Td>
              <Table.Td>
                <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                  {detailWords(details)}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function detailWords(details: Record<string, unknown>): string {
  return Object.entries(details)
    .map(
      ([name, value]) =>
        `${name.replaceAll("_", " ")}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
    )
    .join(", ");
}
