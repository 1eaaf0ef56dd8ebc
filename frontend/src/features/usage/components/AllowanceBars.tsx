/** The plan with its quotas as bars: what is used of each in this period; and of the storage now. */

import { Group, Progress, Stack, Text } from "@mantine/core";

import { formatBytes, formatDay, formatNumber } from "@/lib/format";
import type { Allowance } from "@/lib/types";

export function AllowanceBars({ allowance }: { allowance: Allowance }) {
  const { quota_texts, quota_tokens, used_texts, used_tokens, requests_per_s, burst } = allowance;
  return (
    <Stack gap="sm">
      <Quota name="Texts" used={used_texts} quota={quota_texts} allowance={allowance} />
      <Quota name="Tokens" used={used_tokens} quota={quota_tokens} allowance={allowance} />
      <Storage stored={allowance.stored_bytes} most={allowance.max_stored_bytes} />
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
  const refused = `calls are refused until the next ${period} (UTC) begins.`;
  return (
    <Bar
      label={`${name} used`}
      title={`${name} ${when}`}
      used={used}
      most={quota}
      format={formatNumber}
      nearly={`Nearly used up. Past it ${refused}`}
      full={`Used up: ${refused}`}
    />
  );
}

function Storage({ stored, most }: { stored: number; most: number | null }) {
  if (most === null) {
    return <Text size="sm">Stored: {formatBytes(stored)}; there is no limit.</Text>;
  }
  const room = "delete datasets, or versions of them, that nobody needs.";
  return (
    <Bar
      label="Storage used"
      title="Stored now: datasets, adapters and what they need"
      used={stored}
      most={most}
      format={formatBytes}
      nearly={`Nearly full. Past it uploads are refused: ${room}`}
      full={`Full: uploads are refused. To make room, ${room}`}
    />
  );
}

interface BarProps {
  label: string;
  title: string;
  used: number;
  most: number;
  format: (number: number) => string;
  /** What is said from four fifths on. */
  nearly: string;
  full: string;
}

function Bar({ label, title, used, most, format, nearly, full }: BarProps) {
  const share = most > 0 ? used / most : 1;
  const color = share >= 1 ? "red" : share >= 0.8 ? "yellow" : "cyan";
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {title}
        </Text>
        <Text size="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
          {format(used)} of {format(most)}
        </Text>
      </Group>
      <Progress value={Math.min(100, 100 * share)} color={color} size="md" mt={4} aria-label={label} />
      {share >= 0.8 && (
        <Text size="xs" mt={2}>
          {share >= 1 ? full : nearly}
        </Text>
      )}
    </div>
  );
}
