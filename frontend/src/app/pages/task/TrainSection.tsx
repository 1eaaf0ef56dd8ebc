/** Gives a task data and starts a training: upload or choose, look at what was read, start. */

import { Button, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useNavigate } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useDatasets } from "@/features/datasets/api/get-datasets";
import { DatasetFindings } from "@/features/datasets/components/DatasetFindings";
import { LabelCounts } from "@/features/datasets/components/LabelCounts";
import { RowPreview } from "@/features/datasets/components/RowPreview";
import { UploadForm } from "@/features/datasets/components/UploadForm";
import { StartTrainingForm } from "@/features/trainings/components/StartTrainingForm";
import { formatCount } from "@/lib/format";
import type { Dataset, Task } from "@/lib/types";

import { paths } from "@/app/paths";

export function TrainSection({ tenant, task }: { tenant: string; task: Task }) {
  const datasets = useDatasets(tenant);
  const [uploaded, setUploaded] = useState<Dataset | null>(null);
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
                onUploaded={(dataset) => {
                  setUploaded(dataset);
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
              {uploaded && <WhatWasRead tenant={tenant} dataset={uploaded} />}
              <StartTrainingForm
                tenant={tenant}
                task={task.slug}
                datasets={results}
                initialDataset={uploaded?.id ?? null}
                onStarted={({ id }) => void navigate(paths.training(tenant, task.slug, id))}
              />
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

function WhatWasRead({ tenant, dataset }: { tenant: string; dataset: Dataset }) {
  return (
    <Stack>
      <Text role="status">
        <strong>{dataset.name}</strong> was read: {formatCount(dataset.num_rows, "row")},{" "}
        {formatCount(dataset.labels.length, "label")}.
      </Text>
      <DatasetFindings dataset={dataset} />
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
    </Stack>
  );
}
