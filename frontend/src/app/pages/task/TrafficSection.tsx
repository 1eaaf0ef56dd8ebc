/** What a task that serves was asked in the last days. */

import { Anchor } from "@mantine/core";
import { Link } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useUsage } from "@/features/usage/api/get-usage";
import { UsageSummary } from "@/features/usage/components/UsageSummary";
import type { Task } from "@/lib/types";

import { paths } from "@/app/paths";

const daysShown = 30;

export function TrafficSection({ tenant, task }: { tenant: string; task: Task }) {
  const usage = useUsage(tenant, daysShown);
  return (
    <Section
      title={`Traffic of the last ${daysShown} days`}
      actions={
        <Anchor component={Link} to={paths.usage(tenant)} size="sm">
          All usage
        </Anchor>
      }
    >
      <QueryView query={usage} height={190}>
        {({ results, days }) => (
          <UsageSummary rows={results.filter(({ task_id }) => task_id === task.id)} days={days} />
        )}
      </QueryView>
    </Section>
  );
}
