/** Gives a task data and starts a training: upload or choose, look at what was read, start. */

import { Anchor, Button, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useAllDatasets } from "@/features/datasets/api/get-all-datasets";
import { UploadForm } from "@/features/datasets/components/UploadForm";
import { useIsDomainShared } from "@/features/domains/api/get-domains";
import { StartTrainingForm } from "@/features/trainings/components/StartTrainingForm";
import type { Dataset, Task } from "@/lib/types";

import { paths } from "@/app/paths";
import { useLeadOn } from "@/app/use-lead-on";

import { trainSectionId } from "./to-training";
import { WhatWasRead } from "./WhatWasRead";

export function TrainSection({ tenant, task }: { tenant: string; task: Task }) {
  const datasets = useAllDatasets(tenant);
  const [uploaded, setUploaded] = useState<string | null>(null);
  const [isUploading, setIsUploading] = useState(false);
  const leadOn = useLeadOn();
  const isShared = useIsDomainShared(tenant, task.domain);

  const isFirst = task.latest_training === null;
  return (
    <Section
      anchor={trainSectionId}
      title={isFirst ? "Give it examples and train it" : "Train a new version"}
      description={
        isFirst ? (
          <>
            A file of texts with the right answers. A few hundred rows of each label are a good start. Trained
            elsewhere already?{" "}
            <Anchor component={Link} to={paths.bringAdapter(tenant, task.slug)} inherit underline="always">
              Bring the adapter
            </Anchor>
            .
          </>
        ) : (
          "With more or better examples. What serves now goes on serving until you deploy the new version."
        )
      }
    >
      <QueryView query={datasets} height={200}>
        {(all) => {
          const results = all.filter(({ kind }) => kind === task.kind);
          return results.length === 0 || isUploading ? (
            <Stack>
              <UploadForm
                tenant={tenant}
                kind={task.kind}
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
                  isDomainShared={isShared}
                  datasets={results.filter(isReady)}
                  initialDataset={
                    results.find(({ id, state }) => id === uploaded && state === "ready")?.id ?? null
                  }
                  onStarted={({ id }) => leadOn(paths.training(tenant, task.slug, id))}
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
          );
        }}
      </QueryView>
    </Section>
  );
}

const isReady = ({ state }: Dataset) => state === "ready";
