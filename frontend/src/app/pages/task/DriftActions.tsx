/** What the API says may help against drift, each as a button; what it suggests stands out. */

import { Anchor, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

import { paths } from "@/app/paths";
import { useLeadOn } from "@/app/use-lead-on";
import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { UpdateButton } from "@/features/domains/components/UpdateButton";
import { hasOpenTraining } from "@/features/tasks/state";
import { useCreateTraining } from "@/features/trainings/api/create-training";
import type { Drift, DriftAction, Task } from "@/lib/types";

import { goToTraining } from "./to-training";

interface Props {
  tenant: string;
  task: Task;
  drift: Drift;
}

export function DriftActions({ tenant, task, drift }: Props) {
  const [refresh, retrain] = (["refresh_domain", "retrain"] as const).map((name) =>
    drift.actions.find((action) => action.name === name),
  );
  const obstacles = [refresh, retrain].flatMap((action) => action?.obstacle ?? []);
  return (
    <Stack gap="xs">
      <Group gap="xs">
        {refresh && (
          <UpdateButton
            tenant={tenant}
            domain={task.domain}
            label="Refresh the domain"
            variant={variantOf(refresh)}
            disabled={refresh.obstacle !== null}
            onAsked={() =>
              notifications.show({
                title: "The domain is being refreshed",
                message: "The version that serves follows it when its answers stay as good.",
              })
            }
          />
        )}
        {retrain && <RetrainButton tenant={tenant} task={task} action={retrain} />}
      </Group>
      {obstacles.map((obstacle) => (
        <Text size="sm" key={obstacle}>
          {obstacle}
        </Text>
      ))}
    </Stack>
  );
}

function RetrainButton({ tenant, task, action }: { tenant: string; task: Task; action: DriftAction }) {
  const create = useCreateTraining(tenant, task.slug);
  const leadOn = useLeadOn();
  const dataset = datasetOf(action);
  const start = async () => {
    if (dataset === null) return;
    const training = await create.mutateAsync({ dataset });
    leadOn(paths.training(tenant, task.slug, training.id));
  };
  return (
    <>
      <ConfirmButton
        size="xs"
        variant={variantOf(action)}
        label="Retrain"
        title="Train it again?"
        confirmLabel="Start training"
        confirmColor="teal"
        disabled={dataset === null || hasOpenTraining(task)}
        error={create.error}
        isPending={create.isPending}
        onConfirm={start}
      >
        <Text size="sm">
          It learns again from the data that the serving version was trained on, and goes on serving
          meanwhile. Newer texts with their right answers help more: upload them under “Train a new version”
          instead.
        </Text>
      </ConfirmButton>
      {!hasOpenTraining(task) && (
        <Anchor component="button" type="button" size="sm" onClick={goToTraining}>
          Give it newer texts
        </Anchor>
      )}
    </>
  );
}

function variantOf({ is_suggested }: DriftAction) {
  return is_suggested ? "filled" : "default";
}

function datasetOf({ body, obstacle }: DriftAction): string | null {
  const dataset = body?.["dataset"];
  return obstacle === null && typeof dataset === "string" ? dataset : null;
}
