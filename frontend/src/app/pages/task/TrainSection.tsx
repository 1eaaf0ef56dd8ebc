/** Gives a task data and starts a training: upload or choose, look at what was read, start. */

import { Anchor, Button, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, useNavigate } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useDataset } from "@/features/datasets/api/get-dataset";
import { useDatasets } from "@/features/datasets/api/get-datasets";
import { DoctorReport } from "@/features/datasets/components/DoctorReport";
import { LabelCounts } from "@/features/datasets/components/LabelCounts";
import { RowPreview } from "@/features/datasets/components/RowPreview";
import { UploadForm } from "@/features/datasets/components/UploadForm";
import { StartTrainingForm } from "@/features/trainings/components/StartTrainingForm";
import { formatCount } from "@/lib/format";
import { queryKeys } from "@/lib/query-keys";
import type { Dataset, DatasetDetail, Task } from "@/lib/types";

import { paths } from "@/app/paths";

export function TrainSection({ tenant, task }: { tenant: string; task: Task }) {
  const datasets = useDatasets(tenant);
  const [uploaded, setUploaded] = useState<string | null>(null);
  const [isUploading, setIsUploading] = useState(false);
  const navigate = useNavigate();

  const isFirst = task.latest_training === null;
  return (
    <Section
      title={isFirst ? "Give it examples and train it" : "Train a new version"}
      description={
        isFirst
          ? "A file of texts with the label that each should get. A few hundred rows of each label are a good start."
          : "With more or better examples. What serves now goes on serving until you deploy the new version."
      }
    >
      <QueryView query={datasets} height={200}>
        {({ results }) =>
          results.length === 0 || isUploading ? (
            <Stack>
              <UploadForm
                tenant={tenant}
                onUploaded={({ id }) => {
                  setUploaded(id);
                  setIsUploading(false);
                }}
              />
              {results.length > 0 && (
                <Button
                  variant="default"
                  onClick={() => setIsUploading(false)}
                  style={{ alignSelf: "flex-start" }}
                >
                  Choose from what was uploaded before
                </Button>
              )}
            </Stack>
          ) : (
            <Stack>
              {uploaded && (
                <WhatWasRead
                  key={uploaded}
                  tenant={tenant}
                  id={uploaded}
                  onMended={({ id }) => setUploaded(id)}
                />
              )}
              {results.some(isReady) ? (
                <StartTrainingForm
                  tenant={tenant}
                  task={task.slug}
                  datasets={results.filter(isReady)}
                  initialDataset={
                    results.find(({ id, state }) => id === uploaded && state === "ready")?.id ?? null
                  }
                  onStarted={({ id }) => void navigate(paths.training(tenant, task.slug, id))}
                />
              ) : (
                !uploaded && (
                  <Text>
                    None of the{" "}
                    <Anchor component={Link} to={paths.datasets(tenant)}>
                      datasets
                    </Anchor>{" "}
                    is ready to train on: fix one, or upload another.
                  </Text>
                )
              )}
              <Button
                variant="subtle"
                size="compact-sm"
                onClick={() => setIsUploading(true)}
                style={{ alignSelf: "flex-start" }}
              >
                Upload another file
              </Button>
            </Stack>
          )
        }
      </QueryView>
    </Section>
  );
}

const isReady = ({ state }: Dataset) => state === "ready";

interface WhatWasReadProps {
  tenant: string;
  id: string;
  onMended: (next: DatasetDetail) => void;
}

function WhatWasRead({ tenant, id, onMended }: WhatWasReadProps) {
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
              <strong>{dataset.name}</strong> was read: {formatCount(dataset.num_rows, "row")},{" "}
              {formatCount(dataset.labels.length, "label")}.
            </Text>
          )}
          <DoctorReport tenant={tenant} dataset={dataset} onMended={onMended} />
          {dataset.num_rows > 0 && (
            <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
              <div>
                <Title order={3} size="h5" mb="xs">
                  Labels
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
