/** What was used: per day, per task, as a file. */

import { Button, SegmentedControl } from "@mantine/core";
import { IconChartBar, IconDownload } from "@tabler/icons-react";
import { useState } from "react";

import { EmptyState } from "@/components/ui/EmptyState";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useUsage } from "@/features/usage/api/get-usage";
import { UsageCharts } from "@/features/usage/components/UsageCharts";
import { UsageTable } from "@/features/usage/components/UsageTable";
import { usageCsv } from "@/features/usage/days";
import { downloadText } from "@/lib/download";
import { formatCount } from "@/lib/format";
import { usePageTitle } from "@/lib/page-title";

import { paths } from "../paths";
import { useParam } from "../use-params";

const spans = [7, 30, 90, 365];

export function UsagePage() {
  usePageTitle("Usage");
  const tenant = useParam("tenant");
  const [days, setDays] = useState(30);
  const usage = useUsage(tenant, days);
  const rows = usage.data?.results ?? [];
  return (
    <>
      <PageHeader
        title="Usage"
        description="What your applications have asked. Days are those of UTC."
        actions={
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            disabled={rows.length === 0}
            onClick={() => downloadText(`usage-${tenant}-${days}-days.csv`, usageCsv(rows), "text/csv")}
          >
            Download as CSV
          </Button>
        }
      />
      <SegmentedControl
        value={String(days)}
        onChange={(value) => setDays(Number(value))}
        data={spans.map((span) => ({ value: String(span), label: formatCount(span, "day") }))}
        aria-label="How far back"
        style={{ alignSelf: "flex-start" }}
      />
      <QueryView query={usage} height={420}>
        {(loaded) =>
          loaded.results.length === 0 ? (
            <EmptyState icon={<IconChartBar />} title={`No calls in the last ${loaded.days} days`}>
              Once an application calls a deployed task, its texts and tokens are counted here.
            </EmptyState>
          ) : (
            <>
              <UsageCharts rows={loaded.results} days={loaded.days} />
              <Section title="By task">
                <UsageTable rows={loaded.results} hrefOf={(task) => paths.task(tenant, task)} />
              </Section>
            </>
          )
        }
      </QueryView>
    </>
  );
}
