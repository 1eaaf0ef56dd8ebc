/** What a task that serves was asked lately, how quickly it answered, and how much PLOT knew. */

import { Anchor, Group, SegmentedControl, Skeleton, Stack, Text } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { Link } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { type TrafficSpan, useTraffic } from "@/features/traffic/api/get-traffic";
import type { Task } from "@/lib/types";

import { paths } from "@/app/paths";

const TrafficCharts = lazy(() => import("@/features/traffic/components/TrafficCharts"));
const heightPx = 240;

export function TrafficSection({ tenant, task }: { tenant: string; task: Task }) {
  const [span, setSpan] = useState<TrafficSpan>("hours");
  const traffic = useTraffic(tenant, task.slug, span);
  return (
    <Section
      title="Traffic"
      actions={
        <Anchor component={Link} to={paths.usage(tenant)} size="sm">
          All usage
        </Anchor>
      }
    >
      <Stack>
        <Group>
          <SegmentedControl
            size="xs"
            value={span}
            onChange={(value) => setSpan(value)}
            data={[
              { value: "hours", label: "48 hours" },
              { value: "days", label: "30 days" },
            ]}
            aria-label="How far back"
          />
        </Group>
        <QueryView query={traffic} height={heightPx}>
          {(loaded) =>
            loaded.results.some(({ num_texts }) => num_texts > 0) ? (
              <Suspense
                fallback={<Skeleton height={heightPx} radius="md" aria-label="Loading" role="status" />}
              >
                <TrafficCharts traffic={loaded} />
              </Suspense>
            ) : (
              <Text size="sm" c="dimmed">
                No calls in this time. They show here some seconds after an application has called.
              </Text>
            )
          }
        </QueryView>
      </Stack>
    </Section>
  );
}
