/** A task's versions, newest first, with what can be done with each. */

import { Anchor, Badge, Group, Table } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { formatAgo } from "@/lib/format";
import type { Version } from "@/lib/types";

import { headlineOf, readReport } from "../report";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  versions: Version[];
  deployedNumber: number | null;
  hrefOf: (version: Version) => string;
  actionOf: (version: Version) => ReactNode;
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
          <Table.Td ta="right">{headline(version)}</Table.Td>
          <Table.Td>{formatAgo(version.created_at)}</Table.Td>
          <Table.Td ta="right">{actionOf(version)}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

/** All versions of a task are of its kind, and have the same headline. */
function headlineName(versions: Version[]): string {
  const report = versions.map((version) => readReport(version.report)).find((each) => each !== null);
  return report ? headlineOf(report).name : "Accuracy";
}

function headline(version: Version): string {
  const report = readReport(version.report);
  if (!report) return "–";
  const { value, format } = headlineOf(report);
  return format(value);
}
