/** The plan with its quotas as bars: what is used of each in this period. */

import { Group, Progress, Stack, Text } from "@mantine/core";

import { formatDay, formatNumber } from "@/lib/format";
import type { Allowance } from "@/lib/types";

export function AllowanceBars({ allowance }: { allowance: Allowance }) {
  const { quota_texts, quota_tokens, used_texts, used_tokens, requests_per_s, burst } = allowance;
  return (
    <Stack gap="sm">
      <Quota name="Texts" used={used_texts} quota={quota_texts} allowance={allowance} />
      <Quota name="Tokens" used={used_tokens} quota={quota_tokens} allowance={allowance} />
      <Text size="sm" c="dimmed">
        {requests_per_s === null
          ? "Each key may send as many requests as come."
          : `Each key may send ${formatNumber(requests_per_s)} requests a second, and ${formatNumber(burst)} at once.`}
      </Text>
    </Stack>
  );
}

interface QuotaProps {
  name: string;
  used: number;
  quota: number | null;
  allowance: Allowance;
}

function Quota({ name, used, quota, allowance: { period, period_began } }: QuotaProps) {
  const when = period === "day" ? "today" : `since ${formatDay(period_began)}`;
  if (quota === null) {
    return (
      <Text size="sm">
        {name}: {formatNumber(used)} {when}; there is no quota.
      </Text>
    );
  }
  const share = quota > 0 ? used / quota : 1;
  const color = share >= 1 ? "red" : share >= 0.8 ? "yellow" : "cyan";
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {name} {when}
        </Text>
        <Text size="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
          {formatNumber(used)} of {formatNumber(quota)}
        </Text>
      </Group>
      <Progress
        value={Math.min(100, 100 * share)}
        color={color}
        size="md"
        mt={4}
        aria-label={`${name} used`}
      />
      {share >= 0.8 && (
        <Text size="xs" mt={2}>
          {share >= 1
            ? `Used up: calls are refused until the next ${period} (UTC) begins.`
            : `Nearly used up. Past it calls are refused until the next ${period} (UTC) begins.`}
        </Text>
      )}
    </div>
  );
}
