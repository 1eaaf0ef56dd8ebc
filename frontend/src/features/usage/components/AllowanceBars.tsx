/** The plan with its quotas as bars: what is used of each in this period; and of the storage now. */

import { Group, Progress, Stack, Text } from "@mantine/core";

import { formatNumber } from "@/lib/format";
import type { Allowance } from "@/lib/types";

import { type Limit, limitsOf } from "../allowance";

export function AllowanceBars({ allowance }: { allowance: Allowance }) {
  const { requests_per_s, burst } = allowance;
  return (
    <Stack gap="sm">
      {limitsOf(allowance).map((limit) => (
        <Bar key={limit.name} limit={limit} />
      ))}
      <Text size="sm" c="dimmed">
        {requests_per_s === null
          ? "Each key may send as many requests as come."
          : `Each key may send ${formatNumber(requests_per_s)} requests a second, and ${formatNumber(burst)} at once.`}
      </Text>
    </Stack>
  );
}

function Bar({ limit: { name, title, used, most, share, warning } }: { limit: Limit }) {
  if (most === null) {
    return (
      <Text size="sm">
        {title}: {used}; there is no limit.
      </Text>
    );
  }
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {title}
        </Text>
        <Text size="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
          {used} of {most}
        </Text>
      </Group>
      <Progress
        value={Math.min(100, 100 * share)}
        color={share >= 1 ? "red" : warning ? "yellow" : "cyan"}
        size="md"
        mt={4}
        aria-label={`${name} used`}
      />
      {warning && (
        <Text size="xs" mt={2}>
          {warning}
        </Text>
      )}
    </div>
  );
}
