/** One training, live. */

import { Alert, Button, Group } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "react-router";

import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { DeployButton } from "@/features/deployments/components/DeployButton";
import { useTask } from "@/features/tasks/api/get-task";
import { useTraining } from "@/features/trainings/api/get-training";
import { useTrainingEvents } from "@/features/trainings/api/get-training-events";
import { CancelTrainingButton } from "@/features/trainings/components/CancelTrainingButton";
import { PauseTrainingButton } from "@/features/trainings/components/PauseTrainingButton";
import { RetryTrainingButton } from "@/features/trainings/components/RetryTrainingButton";
import { TrainingLog } from "@/features/trainings/components/TrainingLog";
import { TrainingProgress } from "@/features/trainings/components/TrainingProgress";
import { isOpen, isUnderWay } from "@/features/trainings/state";
import { formatAgo } from "@/lib/format";
import { usePageTitle } from "@/lib/page-title";
import { queryKeys } from "@/lib/query-keys";
import type { Training } from "@/lib/types";
import { useCode } from "@/lib/use-code";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useParam } from "../use-params";
import { useRole } from "../use-role";

const curveHeightPx = 290;

export function TrainingPage() {
  const tenant = useParam("tenant");
  const training = useTraining(tenant, useParam("training"));
  return (
    <PageView query={training}>{(loaded) => <LoadedTraining tenant={tenant} training={loaded} />}</PageView>
  );
}

function LoadedTraining({ tenant, training }: { tenant: string; training: Training }) {
  const slug = useParam("task");
  const task = useTask(tenant, slug);
  const { canWrite } = useRole(tenant);
  const name = task.data?.name ?? slug;
  usePageTitle(`Training of ${name}`);
  useFreshTaskAtEnd(tenant, slug, training);
  return (
    <>
      <PageHeader
        title={`Training of ${name}`}
        description={`Asked for ${formatAgo(training.created_at)}`}
        trail={[
          { label: "Tasks", to: paths.tasks(tenant) },
          { label: name, to: paths.task(tenant, slug) },
        ]}
        actions={
          canWrite &&
          isOpen(training) && (
            <>
              <PauseTrainingButton tenant={tenant} training={training} />
              <CancelTrainingButton tenant={tenant} training={training} />
            </>
          )
        }
      />
      {training.state === "succeeded" && training.version !== null && (
        <Alert
          color="teal"
          variant="light"
          icon={<IconCircleCheck aria-hidden />}
          title={`Version ${training.version} is ready`}
        >
          Read how good it is, then let it serve.
          <Group mt="sm">
            <Button component={Link} to={paths.version(tenant, slug, training.version)} variant="default">
              See the report
            </Button>
            {canWrite && task.data && task.data.deployment?.version !== training.version && (
              <DeployButton
                tenant={tenant}
                task={slug}
                version={training.version}
                deployedVersion={task.data.deployment?.version ?? null}
              />
            )}
          </Group>
        </Alert>
      )}
      <TrainingProgress training={training} />
      {canWrite && (training.state === "cancelled" || training.state === "failed") && (
        <Group>
          {training.can_retry && <RetryTrainingButton tenant={tenant} training={training} />}
          <Button component={Link} to={paths.task(tenant, slug)} variant="default">
            Train again
          </Button>
        </Group>
      )}
      <History tenant={tenant} training={training} />
    </>
  );
}

function History({ tenant, training }: { tenant: string; training: Training }) {
  const events = useTrainingEvents(tenant, training);
  const curve = useCode("training-curve", () => import("@/features/trainings/components/TrainingCurve"));
  return (
    <QueryView query={events} height={curveHeightPx}>
      {(loaded) => (
        <>
          <QueryView query={curve} height={curveHeightPx}>
            {({ TrainingCurve }) => <TrainingCurve events={loaded} metric={training.validation_metric} />}
          </QueryView>
          <TrainingLog events={loaded} />
        </>
      )}
    </QueryView>
  );
}

/** When a training ends, its task has a new version or state. */
function useFreshTaskAtEnd(tenant: string, task: string, training: Training): void {
  const client = useQueryClient();
  const underWay = isUnderWay(training);
  useEffect(() => {
    if (!underWay) void client.invalidateQueries({ queryKey: queryKeys.task(tenant, task) });
  }, [client, tenant, task, underWay]);
}
