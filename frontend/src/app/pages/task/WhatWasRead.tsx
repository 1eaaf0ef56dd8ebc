/** What the server read in an uploaded file: the doctor's report with its fixes, labels, rows. */

import { SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { QueryView } from "@/components/ui/QueryView";
import { useDataset } from "@/features/datasets/api/get-dataset";
import { DoctorReport } from "@/features/datasets/components/DoctorReport";
import { LabelCounts } from "@/features/datasets/components/LabelCounts";
import { RowPreview } from "@/features/datasets/components/RowPreview";
import { queryKeys } from "@/lib/query-keys";
import { contentsOf, hasLabels } from "@/lib/task-kinds";
import type { DatasetDetail } from "@/lib/types";

interface Props {
  tenant: string;
  id: string;
  onMended: (next: DatasetDetail) => void;
}

export function WhatWasRead({ tenant, id, onMended }: Props) {
  const query = useDataset(tenant, id);
  const client = useQueryClient();
  const state = query.data?.state;
  useEffect(() => {
    // The list, from which the form chooses, hears that the file has been examined.
    if (state === "ready") void client.invalidateQueries({ queryKey: queryKeys.datasets(tenant) });
  }, [state, client, tenant]);
  return (
    <QueryView query={query} height={200}>
      {(dataset) => (
        <Stack>
          {dataset.state !== "checking" && (
            <Text role="status">
              <strong>{dataset.name}</strong> was read: {contentsOf(dataset)}.
            </Text>
          )}
          <DoctorReport tenant={tenant} dataset={dataset} onMended={onMended} />
          {dataset.num_rows > 0 && (
            <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
              <div>
                <Title order={3} size="h5" mb="xs">
                  {hasLabels(dataset.kind) ? "Labels" : "Numbers"}
                </Title>
                <LabelCounts dataset={dataset} />
              </div>
              <div style={{ minWidth: 0 }}>
                <Title order={3} size="h5" mb="xs">
                  Rows
                </Title>
                <RowPreview tenant={tenant} dataset={dataset} rowsAtOnce={5} />
              </div>
            </SimpleGrid>
          )}
        </Stack>
      )}
    </QueryView>
  );
}
