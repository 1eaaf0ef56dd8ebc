/** A dataset's rows, a few at a time. */

import { Badge, Button, Group, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";

import { QueryView } from "@/components/ui/QueryView";
import { formatNumber } from "@/lib/format";
import { textAt } from "@/lib/spans";
import { hasLabels } from "@/lib/task-kinds";
import type { Dataset, DatasetRow } from "@/lib/types";

import { useDatasetRows } from "../api/get-dataset-rows";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  tenant: string;
  dataset: Dataset;
  rowsAtOnce?: number;
}

export function RowPreview({ tenant, dataset, rowsAtOnce = 10 }: Props) {
  const [offset, setOffset] = useState(0);
  const rows = useDatasetRows(tenant, dataset.id, offset, rowsAtOnce);
  const end = Math.min(offset + rowsAtOnce, dataset.num_rows);
  if (dataset.num_rows === 0) return <Text size="sm">No rows are kept yet.</Text>;
  return (
    <Stack gap="sm">
      <QueryView query={rows} height={rowsAtOnce * 46}>
        {({ results }) => (
          <ListTable
            minWidth={480}
            verticalSpacing="xs"
            striped
            columns={[{ name: "Row", width: 70 }, "Text", { name: headOf(dataset), width: 150 }]}
            caption={
              <>
                Rows {formatNumber(offset + 1)} to {formatNumber(end)} of {formatNumber(dataset.num_rows)}
              </>
            }
          >
            {results.map((row) => (
              <Table.Tr key={row.row}>
                <Table.Td c="dimmed">{row.row}</Table.Td>
                <Table.Td>
                  <Text size="sm" lineClamp={2} dir="auto">
                    {row.text}
                  </Text>
                  {row.pair !== null && (
                    <Text size="sm" c="dimmed" lineClamp={2} dir="auto">
                      {row.pair}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  {row.value !== null ? (
                    row.value
                  ) : (
                    <Group gap={4}>
                      {labelsOf(row).map((label) => (
                        <Badge key={label} variant="light" tt="none">
                          {label}
                        </Badge>
                      ))}
                    </Group>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </ListTable>
        )}
      </QueryView>
      <Group justify="center">
        <Button
          variant="default"
          size="xs"
          disabled={offset === 0}
          onClick={() => setOffset(Math.max(0, offset - rowsAtOnce))}
        >
          Earlier rows
        </Button>
        <Button
          variant="default"
          size="xs"
          disabled={end >= dataset.num_rows}
          onClick={() => setOffset(offset + rowsAtOnce)}
        >
          Later rows
        </Button>
      </Group>
    </Stack>
  );
}

function headOf({ kind }: Dataset): string {
  if (!hasLabels(kind)) return "Number";
  return kind === "multi_label" || kind === "token_classification" ? "Labels" : "Label";
}

function labelsOf({ text, label, labels, spans }: DatasetRow): string[] {
  const places = spans?.map((span) => `${span.label}: ${textAt(text, span)}`);
  return [...new Set(places ?? labels ?? [label])];
}
