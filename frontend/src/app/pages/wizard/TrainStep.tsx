/** Step 3: start the training and watch it. */

import { Anchor, Button, Group, Text } from "@mantine/core";
import { Link, useSearchParams } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useAllDatasets } from "@/features/datasets/api/get-all-datasets";
import { useIsDomainShared } from "@/features/domains/api/get-domains";
import { hasOpenTraining } from "@/features/tasks/state";
import { useTraining } from "@/features/trainings/api/get-training";
import { CancelTrainingButton } from "@/features/trainings/components/CancelTrainingButton";
import { PauseTrainingButton } from "@/features/trainings/components/PauseTrainingButton";
import { StartTrainingForm } from "@/features/trainings/components/StartTrainingForm";
import { TrainingProgress } from "@/features/trainings/components/TrainingProgress";
import { isOpen } from "@/features/trainings/state";
import type { Task } from "@/lib/types";

import { paths } from "@/app/paths";

export function TrainStep({ tenant, task }: { tenant: string; task: Task }) {
  const { latest_training: training } = task;
  return (
    <>
      {training && training.state !== "succeeded" && (
        <Watch tenant={tenant} task={task.slug} id={training.id} />
      )}
      {!hasOpenTraining(task) && training?.state !== "succeeded" && <Start tenant={tenant} task={task} />}
    </>
  );
}

function Start({ tenant, task }: { tenant: string; task: Task }) {
  const datasets = useAllDatasets(tenant);
  const [address] = useSearchParams();
  const isShared = useIsDomainShared(tenant, task.domain);
  return (
    <Section
      title={task.latest_training ? "Train again" : "Train the model"}
      description="Some rows are held out: the report is measured on texts that the model never saw."
    >
      <QueryView query={datasets} height={200}>
        {(all) => {
          const ready = all.filter(({ state, kind }) => state === "ready" && kind === task.kind);
          if (ready.length === 0) {
            return (
              <Group>
                <Text size="sm">No dataset is ready to train on.</Text>
                <Button component={Link} to={paths.datasets(tenant)}>
                  Upload or fix one
                </Button>
              </Group>
            );
          }
          return (
            <StartTrainingForm
              tenant={tenant}
              task={task.slug}
              isDomainShared={isShared}
              datasets={ready}
              initialDataset={ready.find(({ id }) => id === address.get("dataset"))?.id ?? null}
              onStarted={() => undefined}
            />
          );
        }}
      </QueryView>
    </Section>
  );
}

function Watch({ tenant, task, id }: { tenant: string; task: string; id: string }) {
  const training = useTraining(tenant, id);
  return (
    <Section
      title="The training"
      description={
        <>
          It goes on when you close this page.{" "}
          <Anchor component={Link} to={paths.training(tenant, task, id)} inherit underline="always">
            See its curves
          </Anchor>
        </>
      }
      actions={
        training.data &&
        isOpen(training.data) && (
          <>
            <PauseTrainingButton tenant={tenant} training={training.data} />
            <CancelTrainingButton tenant={tenant} training={training.data} />
          </>
        )
      }
    >
      <QueryView query={training} height={220}>
        {(loaded) => <TrainingProgress training={loaded} />}
      </QueryView>
    </Section>
  );
}
