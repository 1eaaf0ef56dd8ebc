/** One task: what serves, what is being trained, its versions, and the next step. */

import { Button, Group, Text } from "@mantine/core";
import { IconMessageBolt } from "@tabler/icons-react";
import { Link } from "react-router";

import { PageHeader } from "@/components/ui/PageHeader";
import { useTask } from "@/features/tasks/api/get-task";
import { DeleteTaskButton } from "@/features/tasks/components/DeleteTaskButton";
import { TaskStateBadge } from "@/features/tasks/components/TaskStateBadge";
import { hasOpenTraining } from "@/features/tasks/state";
import { usePageTitle } from "@/lib/page-title";
import { wordsOf } from "@/lib/task-kinds";
import type { Task } from "@/lib/types";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useLeadOn } from "../use-lead-on";
import { useParam } from "../use-params";
import { useRole } from "../use-role";
import { DriftSection } from "./task/DriftSection";
import { HoldNotice } from "./task/HoldNotice";
import { RunningTraining } from "./task/RunningTraining";
import { ServingSection } from "./task/ServingSection";
import { SettingsSection } from "./task/SettingsSection";
import { TrafficSection } from "./task/TrafficSection";
import { TrainingsSection } from "./task/TrainingsSection";
import { TrainSection } from "./task/TrainSection";
import { TrialSection } from "./task/TrialSection";
import { VersionsSection } from "./task/VersionsSection";

export function TaskPage() {
  const tenant = useParam("tenant");
  const slug = useParam("task");
  const task = useTask(tenant, slug);
  usePageTitle(task.data?.name ?? slug);
  return <PageView query={task}>{(loaded) => <LoadedTask tenant={tenant} task={loaded} />}</PageView>;
}

function LoadedTask({ tenant, task }: { tenant: string; task: Task }) {
  const { canWrite, isOwner } = useRole(tenant);
  const leadOn = useLeadOn();
  const canTrain = canWrite && !hasOpenTraining(task);
  const isTrained = task.latest_training !== null;
  const hasVersions = isTrained || task.latest_version !== null;
  return (
    <>
      <PageHeader
        title={task.name}
        description={
          <Group gap="xs">
            <TaskStateBadge task={task} />
            <Text span size="sm">
              {wordsOf(task.kind).title}
            </Text>
          </Group>
        }
        trail={[{ label: "Tasks", to: paths.tasks(tenant) }]}
        actions={
          <>
            {task.deployment && canWrite && (
              <Button
                component={Link}
                to={paths.tryTask(tenant, task.slug)}
                leftSection={<IconMessageBolt size={16} aria-hidden />}
              >
                Try a text
              </Button>
            )}
            {isOwner && (
              <DeleteTaskButton tenant={tenant} task={task} onDeleted={() => leadOn(paths.tasks(tenant))} />
            )}
          </>
        }
      />
      {task.hold && <HoldNotice tenant={tenant} task={task} hold={task.hold} canTrain={canTrain} />}
      {task.deployment && <ServingSection tenant={tenant} task={task} canWrite={canWrite} />}
      {task.trial && <TrialSection tenant={tenant} task={task} canWrite={canWrite} />}
      {task.deployment && <TrafficSection tenant={tenant} task={task} />}
      {task.deployment && <DriftSection tenant={tenant} task={task} canWrite={canWrite} />}
      {task.latest_training && hasOpenTraining(task) && (
        <RunningTraining tenant={tenant} task={task.slug} id={task.latest_training.id} />
      )}
      {hasVersions && <VersionsSection tenant={tenant} task={task} canWrite={canWrite} />}
      {canTrain && <TrainSection tenant={tenant} task={task} />}
      {isTrained && <TrainingsSection tenant={tenant} task={task} />}
      {canWrite && <SettingsSection key={task.id} tenant={tenant} task={task} />}
    </>
  );
}
