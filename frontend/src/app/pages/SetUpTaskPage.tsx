/** The further steps of a task: train, deploy, try. Which one it is, the task itself tells. */

import { Button } from "@mantine/core";
import { Link } from "react-router";

import { PageHeader } from "@/components/ui/PageHeader";
import { Steps } from "@/components/ui/Steps";
import { useTask } from "@/features/tasks/api/get-task";
import { usePageTitle } from "@/lib/page-title";
import type { Task } from "@/lib/types";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useParam } from "../use-params";
import { DeployStep } from "./wizard/DeployStep";
import { stepNames, stepOf } from "./wizard/steps";
import { TrainStep } from "./wizard/TrainStep";
import { TryStep } from "./wizard/TryStep";

export function SetUpTaskPage() {
  const tenant = useParam("tenant");
  const slug = useParam("task");
  const task = useTask(tenant, slug);
  usePageTitle(`Set up ${task.data?.name ?? slug}`);
  return <PageView query={task}>{(loaded) => <Loaded tenant={tenant} task={loaded} />}</PageView>;
}

function Loaded({ tenant, task }: { tenant: string; task: Task }) {
  const step = stepOf(task);
  return (
    <>
      <PageHeader
        title={task.name}
        trail={[{ label: "Tasks", to: paths.tasks(tenant) }]}
        actions={
          <Button component={Link} to={paths.task(tenant, task.slug)} variant="default">
            To the task's page
          </Button>
        }
      />
      <Steps names={stepNames} current={step} />
      {step === 2 && <TrainStep tenant={tenant} task={task} />}
      {step === 3 && <DeployStep tenant={tenant} task={task} />}
      {step === 4 && <TryStep tenant={tenant} task={task} />}
    </>
  );
}
