/** Tries texts on what serves. */

import { Button } from "@mantine/core";
import { IconMessageBolt } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/components/ui/EmptyState";
import { PageHeader } from "@/components/ui/PageHeader";
import { Playground } from "@/features/playground/components/Playground";
import { useTask } from "@/features/tasks/api/get-task";
import { usePageTitle } from "@/lib/page-title";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useParam } from "../use-params";

export function TryPage() {
  const tenant = useParam("tenant");
  const slug = useParam("task");
  const task = useTask(tenant, slug);
  const name = task.data?.name ?? slug;
  usePageTitle(`Try ${name}`);
  return (
    <>
      <PageHeader
        title={`Try ${name}`}
        description="The answer comes from the same service that your applications call."
        trail={[
          { label: "Tasks", to: paths.tasks(tenant) },
          { label: name, to: paths.task(tenant, slug) },
        ]}
      />
      <PageView query={task}>
        {({ deployment, kind }) =>
          deployment ? (
            <Playground tenant={tenant} task={slug} kind={kind} />
          ) : (
            <EmptyState
              icon={<IconMessageBolt />}
              title="Nothing serves yet"
              action={
                <Button component={Link} to={paths.task(tenant, slug)}>
                  To the task
                </Button>
              }
            >
              Deploy a version of this task, then try a text on it here.
            </EmptyState>
          )
        }
      </PageView>
    </>
  );
}
