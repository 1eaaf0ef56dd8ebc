/** Creates a task and goes on to giving it data. */

import { Paper } from "@mantine/core";
import { useNavigate } from "react-router";

import { PageHeader } from "@/components/ui/PageHeader";
import { NewTaskForm } from "@/features/tasks/components/NewTaskForm";
import { usePageTitle } from "@/lib/page-title";

import { paths } from "../paths";
import { useParam } from "../use-params";

export function NewTaskPage() {
  usePageTitle("New task");
  const tenant = useParam("tenant");
  const navigate = useNavigate();
  return (
    <>
      <PageHeader
        title="New task"
        description="Name it now; the examples come in the next step."
        trail={[{ label: "Tasks", to: paths.tasks(tenant) }]}
      />
      <Paper withBorder p="lg" radius="md" maw={560}>
        <NewTaskForm tenant={tenant} onCreated={({ slug }) => void navigate(paths.task(tenant, slug))} />
      </Paper>
    </>
  );
}
