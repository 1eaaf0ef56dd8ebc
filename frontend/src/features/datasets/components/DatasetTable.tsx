/** A tenant's datasets. */

import { Anchor, Table } from "@mantine/core";
import { Link } from "react-router";

import { formatAgo, formatBytes, formatNumber } from "@/lib/format";
import { hasLabels } from "@/lib/task-kinds";
import type { Dataset } from "@/lib/types";

import { DatasetStateBadge } from "./DatasetStateBadge";
import { ListTable } from "@/components/ui/ListTable";
import { newestVersionOf } from "../versions";

interface Props {
  datasets: Dataset[];
  hrefOf: (dataset: Dataset) => string;
}

export function DatasetTable({ datasets, hrefOf }: Props) {
  return (
    <ListTable
      minWidth={520}
      columns={[
        "Name",
        "State",
        { name: "Rows", isNumber: true },
        { name: "Labels", isNumber: true },
        { name: "Size", isNumber: true },
        "Uploaded",
      ]}
    >
      {datasets.map((dataset) => (
        <Table.Tr key={dataset.id}>
          <Table.Td>
            <Anchor component={Link} size="sm" to={hrefOf(dataset)}>
              {dataset.name}
            </Anchor>
            {dataset.version > 1 && ` version ${dataset.version}`}
          </Table.Td>
          <Table.Td>
            <DatasetStateBadge dataset={dataset} fixedIn={laterThan(dataset, datasets)} />
          </Table.Td>
          <Table.Td ta="right">{formatNumber(dataset.num_rows)}</Table.Td>
          <Table.Td ta="right">{hasLabels(dataset.kind) ? dataset.labels.length : "numbers"}</Table.Td>
          <Table.Td ta="right">{formatBytes(dataset.num_bytes)}</Table.Td>
          <Table.Td>{formatAgo(dataset.created_at)}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function laterThan(dataset: Dataset, datasets: Dataset[]): number | undefined {
  const newest = newestVersionOf(dataset, datasets);
  return newest > dataset.version ? newest : undefined;
}
