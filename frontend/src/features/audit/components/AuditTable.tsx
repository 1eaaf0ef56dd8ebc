/** Who changed what and when. */

import { Code, Table, Text } from "@mantine/core";

import { ListTable } from "@/components/ui/ListTable";
import { formatDate } from "@/lib/format";
import type { AuditEntry } from "@/lib/types";

import { actorWords, changeWords, detailWords } from "../words";

export function AuditTable({ entries }: { entries: AuditEntry[] }) {
  return (
    <ListTable
      minWidth={640}
      verticalSpacing={6}
      fz="sm"
      columns={["When", { name: "Who", width: 190 }, "What", "Details"]}
    >
      {entries.map(({ id, at, actor, action, details }) => (
        <Table.Tr key={id}>
          <Table.Td style={{ whiteSpace: "nowrap" }}>{formatDate(at)}</Table.Td>
          <Table.Td style={{ overflowWrap: "anywhere" }} title={actor}>
            {actorWords(actor)}
          </Table.Td>
          <Table.Td>
            {changeWords(action)}
            <br />
            <Code c="dimmed">{action}</Code>
          </Table.Td>
          <Table.Td>
            <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
              {detailWords(details)}
            </Text>
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
