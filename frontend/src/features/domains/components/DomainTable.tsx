/** The domains that a tenant sees, its own first. */

import { Anchor, Badge, Table } from "@mantine/core";
import { Link } from "react-router";

import { ListTable } from "@/components/ui/ListTable";
import { formatAgo, formatCount } from "@/lib/format";
import type { Domain } from "@/lib/types";

import { isGeneral } from "../choices";

interface Props {
  domains: Domain[];
  numTasksOf: (domain: Domain) => number;
  hrefOf: (domain: Domain) => string;
}

export function DomainTable({ domains, numTasksOf, hrefOf }: Props) {
  const ownFirst = [...domains].sort((a, b) => Number(a.is_shared) - Number(b.is_shared));
  return (
    <ListTable minWidth={520} columns={["Domain", "Whose", "Below", "Your tasks", "Made"]}>
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
          <Table.Td>{isGeneral(domain) ? "–" : (domain.parent_domain ?? "general")}</Table.Td>
          <Table.Td>{domain.is_shared ? "–" : formatCount(numTasksOf(domain), "task")}</Table.Td>
          <Table.Td>{formatAgo(domain.created_at)}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
