/** What was used: of the quota, per day, per task, per key, as a file. */

import { Anchor, Button, SegmentedControl, SimpleGrid } from "@mantine/core";
import { IconChartBar, IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import { EmptyState } from "@/components/ui/EmptyState";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useAllowance } from "@/features/usage/api/get-allowance";
import { useUsage } from "@/features/usage/api/get-usage";
import { AllowanceBars } from "@/features/usage/components/AllowanceBars";
import { UsageCharts } from "@/features/usage/components/UsageCharts";
import { UsageTable } from "@/features/usage/components/UsageTable";
import { rowsByKey, rowsByTask } from "@/features/usage/days";
import { formatCount } from "@/lib/format";
import { usePageTitle } from "@/lib/page-title";

import { paths } from "../paths";
import { useParam } from "../use-params";

const spans = [7, 30, 90, 365];

export function UsagePage() {
  usePageTitle("Usage");
  const tenant = useParam("tenant");
  const [days, setDays] = useState(30);
  // By key, of which the sums by task are made too: one answer for the whole page.
  const usage = useUsage(tenant, days, "key");
  const allowance = useAllowance(tenant);
  return (
    <>
      <PageHeader
        title="Usage"
        description="What your applications have asked. Days are those of UTC."
        actions={
          <Button
            component="a"
            href={`/api/v1/tenants/${encodeURIComponent(tenant)}/usage?form=csv&by=key&days=${days}`}
            download
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            Download as CSV
          </Button>
        }
      />
      <QueryView query={allowance} height={150}>
        {(loaded) => (
          <Section title={`Your plan: ${loaded.plan}`}>
            <AllowanceBars allowance={loaded} />
          </Section>
        )}
      </QueryView>
      <SegmentedControl
        value={String(days)}
        onChange={(value) => setDays(Number(value))}
        data={spans.map((span) => ({ value: String(span), label: formatCount(span, "day") }))}
        aria-label="How far back"
        style={{ alignSelf: "flex-start" }}
      />
      <QueryView query={usage} height={420}>
        {({ results, days: shown }) =>
          results.length === 0 ? (
            <EmptyState icon={<IconChartBar />} title={`No calls in the last ${shown} days`}>
              Once an application calls a deployed task, its texts and tokens are counted here.
            </EmptyState>
          ) : (
            <>
              <UsageCharts rows={results} days={shown} />
              <SimpleGrid cols={{ base: 1, xl: 2 }} spacing="lg" style={{ alignItems: "start" }}>
                <Section title="By task">
                  <UsageTable
                    head="Task"
                    lines={rowsByTask(results).map(({ task, taskId, rows }) => ({
                      id: taskId,
                      name: task === null ? "A deleted task" : <TaskLink tenant={tenant} task={task} />,
                      rows,
                    }))}
                  />
                </Section>
                <Section title="By key">
                  <UsageTable
                    head="Key"
                    lines={rowsByKey(results).map(({ key, keyId, rows }) => ({
                      id: keyId,
                      name: key ?? "A deleted key",
                      rows,
                    }))}
                  />
                </Section>
              </SimpleGrid>
            </>
          )
        }
      </QueryView>
    </>
  );
}

function TaskLink({ tenant, task }: { tenant: string; task: string }) {
  return (
    <Anchor component={Link} size="sm" to={paths.task(tenant, task)}>
      {task}
    </Anchor>
  );
}
