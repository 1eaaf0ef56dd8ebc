/** What was used in the last days: three sums and the texts of each day. */

import { Group, Stack, Text } from "@mantine/core";

import { DayBars } from "@/components/ui/DayBars";
import { formatNumber } from "@/lib/format";
import type { UsageRow } from "@/lib/types";

import { total, valuesByDay } from "../days";

export function UsageSummary({ rows, days }: { rows: UsageRow[]; days: number }) {
  return (
    <Stack gap="sm">
      <Group gap="xl">
        <Sum noun="text" value={total(rows, "num_texts")} />
        <Sum noun="call" value={total(rows, "num_requests")} />
        <Sum noun="token" value={total(rows, "num_tokens")} />
      </Group>
      {rows.length > 0 ? (
        <DayBars name="Texts answered" values={valuesByDay(rows, days, "num_texts")} />
      ) : (
        <Text size="sm" c="dimmed">
          No calls yet. They show here some seconds after an application has called.
        </Text>
      )}
    </Stack>
  );
}

function Sum({ noun, value }: { noun: string; value: number }) {
  return (
    <Text size="sm" c="dimmed" style={{ fontVariantNumeric: "tabular-nums" }}>
      <Text span fw={700} fz="xl" c="var(--mantine-color-text)">
        {formatNumber(value)}
      </Text>{" "}
      {value === 1 ? noun : `${noun}s`}
    </Text>
  );
}
