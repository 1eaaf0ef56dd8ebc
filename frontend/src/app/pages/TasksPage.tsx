/** A tenant's tasks and what each is doing. */

import { Button } from "@mantine/core";
import { IconPlus, IconStack2 } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import { EmptyState } from "@/components/ui/EmptyState";
import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { useTasks } from "@/features/tasks/api/get-tasks";
import { TaskList } from "@/features/tasks/components/TaskList";
import { usePageTitle } from "@/lib/page-title";

import { paths } from "../paths";
import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function TasksPage() {
  usePageTitle("Tasks");
  const tenant = useParam("tenant");
  const { canWrite } = useRole(tenant);
  const [page, setPage] = useState(1);
  const tasks = useTasks(tenant, page);
  const newTask = canWrite && (
    <Button component={Link} to={paths.newTask(tenant)} leftSection={<IconPlus size={16} aria-hidden />}>
      New task
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Tasks"
        description="Each task is a model of your own: it gives your labels, or a number, to texts."
        actions={tasks.data && tasks.data.count > 0 ? newTask : null}
      />
      <QueryView query={tasks}>
        {(list) =>
          list.count === 0 ? (
            <EmptyState icon={<IconStack2 />} title="No tasks yet" action={newTask}>
              {canWrite
                ? "Create a task, give it a file of examples, and a few minutes later it answers your application."
                : "Nobody has created a task yet. Ask an owner or developer of this tenant."}
            </EmptyState>
          ) : (
            <>
              <TaskList tasks={list.results} hrefOf={({ slug }) => paths.task(tenant, slug)} />
              <ListPages list={list} page={page} onChange={setPage} />
            </>
          )
        }
      </QueryView>
    </>
  );
}
