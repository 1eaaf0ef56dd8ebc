/** The domains that a tenant sees, its own first. */

import { Anchor, Badge, Table } from "@mantine/core";
import { Link } from "react-router";

import { formatAgo, formatCount } from "@/lib/format";
import type { Domain } from "@/lib/types";

interface Props {
  domains: Domain[];
  numTasksOf: (domain: Domain) => number;
  hrefOf: (domain: Domain) => string;
}

export function DomainTable({ domains, numTasksOf, hrefOf }: Props) {
  const ownFirst = [...domains].sort((a, b) => Number(a.is_shared) - Number(b.is_shared));
  return (
    <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Domain</Table.Th>
            <Table.Th>Whose</Table.Th>
            <Table.Th>Below</Table.Th>
            <Table.Th>Your tasks</Table.Th>
            <Table.Th>Made</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {ownFirst.map((domain) => (
            <Table.Tr key={domain.id}>
              <Table.Th scope="row" fw={500}>
                <Anchor component={Link} size="sm" to={hrefOf(domain)}>
                  {domain.name}
                </Anchor>
              </Table.Th>
              <Table.Td>
                <Badge color={domain.is_shared ? "violet" : "teal"} variant="light" tt="none">
                  {domain.is_shared ? "Shared" : "Your own"}
                </Badge>
              </Table.Td>
              <Table.Td>{domain.parent_domain ?? "general"}</Table.Td>
              <Table.Td>{domain.is_shared ? "–" : formatCount(numTasksOf(domain), "task")}</Table.Td>
              <Table.Td>{formatAgo(domain.created_at)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
