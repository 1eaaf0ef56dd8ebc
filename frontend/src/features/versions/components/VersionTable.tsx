/** A task's versions, newest first, with what can be done with each. */

import { Anchor, Badge, Group, Table } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { figureTitle } from "@/lib/figures";
import { formatAgo } from "@/lib/format";
import type { ListedVersion } from "@/lib/types";

import { headlineInWords } from "../report";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  versions: ListedVersion[];
  deployedNumber: number | null;
  hrefOf: (version: ListedVersion) => string;
  actionOf: (version: ListedVersion) => ReactNode;
}

export function VersionTable({ versions, deployedNumber, hrefOf, actionOf }: Props) {
  return (
    <ListTable
      minWidth={520}
      columns={[
        "Version",
        { name: headlineName(versions), isNumber: true },
        "Made",
        { name: "Action", isHidden: true },
      ]}
    >
      {versions.map((version) => (
        <Table.Tr key={version.number}>
          <Table.Td>
            <Group gap="xs" wrap="nowrap">
              <Anchor component={Link} size="sm" to={hrefOf(version)}>
                Version {version.number}
              </Anchor>
              {version.number === deployedNumber && (
                <Badge color="teal" variant="light" tt="none" miw="max-content">
                  Serving
                </Badge>
              )}
              {version.state === "draft" && (
                <Badge color="yellow" variant="light" tt="none" miw="max-content">
                  Draft
                </Badge>
              )}
              {version.adapter_import !== null && (
                <Badge color="gray" variant="light" tt="none" miw="max-content">
                  Imported
                </Badge>
              )}
            </Group>
          </Table.Td>
          <Table.Td ta="right">{told(version)}</Table.Td>
          <Table.Td>{formatAgo(version.created_at)}</Table.Td>
          <Table.Td ta="right">{actionOf(version)}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

/** All versions of a task are of its kind, and have the same headline. */
function headlineName(versions: ListedVersion[]): string {
  const headline = versions.map(({ headline }) => headline).find((each) => each !== null);
  return headline ? headlineInWords(headline).name : figureTitle("accuracy");
}

function told({ headline }: ListedVersion): string {
  if (headline === null) return "–";
  const { value, format } = headlineInWords(headline);
  return format(value);
}
