/** Which versions were tried beside the one that served, what came of each, and why. */

import { Badge, Group, Stack, Text } from "@mantine/core";

import { formatDate, formatPercent } from "@/lib/format";
import { sentence } from "@/lib/sentence";
import type { Trial } from "@/lib/types";

const states: Record<Trial["state"], { label: string; color: string }> = {
  running: { label: "Running", color: "blue" },
  promoted: { label: "Promoted", color: "teal" },
  rolled_back: { label: "Rolled back", color: "red" },
  ended: { label: "Ended", color: "gray" },
};

export function TrialHistory({ trials }: { trials: Trial[] }) {
  if (trials.length === 0) {
    return <Text size="sm">None yet: try a version beside the one that serves, under “Versions”.</Text>;
  }
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
      {trials.map(({ id, version, against, kind, share, state, reason, created_at, ended_at }) => (
        <li key={id}>
          <Group gap="xs">
            <Text size="sm" fw={500}>
              Version {version} beside version {against},{" "}
              {kind === "shadow" ? "shadow" : `canary of ${formatPercent(share, 0)}`}
            </Text>
            <Badge color={states[state].color} variant="light" tt="none" miw="max-content">
              {states[state].label}
            </Badge>
          </Group>
          {reason !== "" && <Text size="sm">{sentence(reason)}</Text>}
          <Text size="xs" c="dimmed">
            {formatDate(created_at)}
            {ended_at !== null && ` to ${formatDate(ended_at)}`}
          </Text>
        </li>
      ))}
    </Stack>
  );
}
