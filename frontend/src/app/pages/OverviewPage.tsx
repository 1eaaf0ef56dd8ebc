/** The start page of a tenant: what needs attention, what was used, what each task is doing, and what to do next. */

import { Anchor, Button, List, SimpleGrid, Text, ThemeIcon } from "@mantine/core";
import { IconArrowRight, IconPlus, IconRocket } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/components/ui/EmptyState";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useAllDatasets } from "@/features/datasets/api/get-all-datasets";
import { useDatasets } from "@/features/datasets/api/get-datasets";
import { useAllTasks } from "@/features/tasks/api/get-all-tasks";
import { useTasks } from "@/features/tasks/api/get-tasks";
import { TaskList } from "@/features/tasks/components/TaskList";
import { useAllowance } from "@/features/usage/api/get-allowance";
import { useUsage } from "@/features/usage/api/get-usage";
import { UsageSummary } from "@/features/usage/components/UsageSummary";
import { formatCount } from "@/lib/format";
import { usePageTitle } from "@/lib/page-title";
import type { Page, Task } from "@/lib/types";

import { paths } from "../paths";
import { useSignedIn } from "../SignedIn";
import { useParam } from "../use-params";
import { useRole } from "../use-role";
import { attentionFor } from "./overview/attention";
import { AttentionList } from "./overview/AttentionList";

const daysShown = 14;
const tasksShown = 6;

export function OverviewPage() {
  usePageTitle("Overview");
  const tenant = useParam("tenant");
  const { canWrite } = useRole(tenant);
  const tasks = useTasks(tenant, 1);
  const name = useSignedIn().memberships.find((place) => place.tenant.slug === tenant)?.tenant.name ?? tenant;
  const newTask = canWrite && (
    <Button component={Link} to={paths.newTask(tenant)} leftSection={<IconPlus size={16} aria-hidden />}>
      New task
    </Button>
  );
  return (
    <>
      <PageHeader
        title={name}
        description="What your tasks are doing."
        actions={tasks.data && tasks.data.count > 0 ? newTask : null}
      />
      <QueryView query={tasks} height={480}>
        {(list) =>
          list.count === 0 ? (
            <Welcome tenant={tenant} canWrite={canWrite} />
          ) : (
            <Contents tenant={tenant} tasks={list} canWrite={canWrite} />
          )
        }
      </QueryView>
    </>
  );
}

function Welcome({ tenant, canWrite }: { tenant: string; canWrite: boolean }) {
  if (!canWrite) {
    return (
      <EmptyState icon={<IconRocket />} title="No tasks yet">
        Nobody has created a task yet. Ask an owner or developer of this tenant.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={<IconRocket />}
      title="Make your first model"
      action={
        <Button component={Link} to={paths.newTask(tenant)} size="md" mt="sm">
          Start with a file
        </Button>
      }
    >
      You need a file of texts, each with the label that it should get. We look it over, train on it, and show
      how good the model is. A few minutes later it answers your application.
    </EmptyState>
  );
}

function Contents({ tenant, tasks, canWrite }: { tenant: string; tasks: Page<Task>; canWrite: boolean }) {
  const datasets = useDatasets(tenant);
  const usage = useUsage(tenant, daysShown);
  const attention = attentionFor(tenant, {
    tasks: withOthers(tasks, useAllTasks(tenant, hasMore(tasks)).data),
    datasets: withOthers(datasets.data, useAllDatasets(tenant, hasMore(datasets.data)).data),
    allowance: useAllowance(tenant).data,
  });
  return (
    <>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <Section title="Needs attention">
          {attention.length > 0 ? (
            <AttentionList items={attention} />
          ) : (
            <Text size="sm">Nothing: every task is at work or as it should be.</Text>
          )}
        </Section>
        <Section
          title={`Last ${daysShown} days`}
          actions={
            <Anchor component={Link} to={paths.usage(tenant)} size="sm">
              All usage
            </Anchor>
          }
        >
          <QueryView query={usage} height={190}>
            {({ results, days }) => <UsageSummary rows={results} days={days} />}
          </QueryView>
        </Section>
      </SimpleGrid>
      <Section
        title="Tasks"
        actions={
          tasks.count > tasksShown && (
            <Anchor component={Link} to={paths.tasks(tenant)} size="sm">
              All {formatCount(tasks.count, "task")}
            </Anchor>
          )
        }
      >
        <TaskList
          tasks={tasks.results.slice(0, tasksShown)}
          hrefOf={({ slug }) => paths.task(tenant, slug)}
        />
      </Section>
      {canWrite && (
        <NextSteps tenant={tenant} tasks={tasks.results} hasUsage={(usage.data?.results.length ?? 0) > 0} />
      )}
    </>
  );
}

function hasMore(page: Page<unknown> | undefined) {
  return page !== undefined && page.count > page.results.length;
}

/** What a list's first page has, which is asked for again while something is at work, and what the others had. */
function withOthers<T extends { id: string }>(page: Page<T> | undefined, all: T[] = []): T[] {
  const first = page?.results ?? [];
  // Another page of the dashboard may have asked for all before some were deleted.
  if (!hasMore(page)) return first;
  const known = new Set(first.map(({ id }) => id));
  return [...first, ...all.filter(({ id }) => !known.has(id))];
}

/** The steps to an answering application that are still open; nothing once an application calls. */
function NextSteps({ tenant, tasks, hasUsage }: { tenant: string; tasks: Task[]; hasUsage: boolean }) {
  const serving = tasks.find(({ deployment }) => deployment !== null);
  if (hasUsage || !serving) return null;
  return (
    <Section title="Next: let your application call">
      <List
        size="sm"
        spacing="xs"
        icon={
          <ThemeIcon size={18} radius="xl" variant="light">
            <IconArrowRight size={12} aria-hidden />
          </ThemeIcon>
        }
      >
        <List.Item>
          <Anchor component={Link} to={paths.tryTask(tenant, serving.slug)} inherit underline="always">
            Try some texts
          </Anchor>{" "}
          on {serving.name}, and copy the same call as curl, Python or JavaScript.
        </List.Item>
        <List.Item>
          <Anchor component={Link} to={paths.keys(tenant)} inherit underline="always">
            Create an API key
          </Anchor>{" "}
          for each application that will call.
        </List.Item>
      </List>
    </Section>
  );
}
