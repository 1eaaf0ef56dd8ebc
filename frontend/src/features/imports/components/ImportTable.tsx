/** A task's imports, newest first. */

import { Anchor, Table, Text } from "@mantine/core";
import { Link } from "react-router";

import { formatAgo, formatBytes } from "@/lib/format";
import type { AdapterImport } from "@/lib/types";

import { ImportStateBadge } from "./ImportStateBadge";

interface Props {
  imports: AdapterImport[];
  hrefOf: (version: number) => string;
}

export function ImportTable({ imports, hrefOf }: Props) {
  return (
    <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>File</Table.Th>
            <Table.Th>Brought</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Made</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
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
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
