/** What a task that serves was asked lately, how quickly it answered, and how much PLOT knew. */

import { Anchor, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { type TrafficSpan, useTraffic } from "@/features/traffic/api/get-traffic";
import type { Task, Traffic } from "@/lib/types";
import { useCode } from "@/lib/use-code";

import { paths } from "@/app/paths";

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
              <Charts traffic={loaded} />
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

function Charts({ traffic }: { traffic: Traffic }) {
  const code = useCode("traffic-charts", () => import("@/features/traffic/components/TrafficCharts"));
  return (
    <QueryView query={code} height={heightPx}>
      {({ TrafficCharts }) => <TrafficCharts traffic={traffic} />}
    </QueryView>
  );
}
