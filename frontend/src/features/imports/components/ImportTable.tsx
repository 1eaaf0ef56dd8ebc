/** A task's imports, newest first. */

import { Anchor, Table, Text } from "@mantine/core";
import { Link } from "react-router";

import { ListTable } from "@/components/ui/ListTable";
import { formatAgo, formatBytes } from "@/lib/format";
import type { AdapterImport } from "@/lib/types";

import { ImportStateBadge } from "./ImportStateBadge";

interface Props {
  imports: AdapterImport[];
  hrefOf: (version: number) => string;
}

export function ImportTable({ imports, hrefOf }: Props) {
  return (
    <ListTable minWidth={520} columns={["File", "Brought", "State", "Made"]}>
      {imports.map((brought) => (
        <Table.Tr key={brought.id}>
          <Table.Th scope="row" fw={500} style={{ overflowWrap: "anywhere" }}>
            {brought.file_name}{" "}
            <Text span size="xs" c="dimmed">
              {formatBytes(brought.num_bytes)}
            </Text>
          </Table.Th>
          <Table.Td>{formatAgo(brought.created_at)}</Table.Td>
          <Table.Td>
            <ImportStateBadge brought={brought} />
          </Table.Td>
          <Table.Td>
            {brought.version === null ? (
              <Text c="dimmed">–</Text>
            ) : (
              <Anchor component={Link} size="sm" to={hrefOf(brought.version)}>
                Version {brought.version}
              </Anchor>
            )}
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
