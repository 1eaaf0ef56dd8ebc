/** What has served when. */

import { Text, Timeline } from "@mantine/core";

import { formatDate } from "@/lib/format";
import type { Deployment } from "@/lib/types";

export function DeploymentHistory({ deployments }: { deployments: Deployment[] }) {
  const current = deployments.findIndex(({ state }) => state === "active");
  return (
    <Timeline active={current} bulletSize={14} lineWidth={2}>
      {deployments.map(({ id, version, state, created_at, ended_at }) => (
        <Timeline.Item key={id} title={`Version ${version}${state === "active" ? " (serving)" : ""}`}>
          <Text size="xs" c="dimmed">
            {formatDate(created_at)}
            {ended_at !== null && ` to ${formatDate(ended_at)}`}
          </Text>
        </Timeline.Item>
      ))}
    </Timeline>
  );
}
