/** Texts, calls and tokens of each day. */

import { SimpleGrid } from "@mantine/core";

import { DayBars } from "@/components/ui/DayBars";
import { Section } from "@/components/ui/Section";
import { formatNumber } from "@/lib/format";
import type { UsageRow } from "@/lib/types";

import { type Measure, total, valuesByDay } from "../days";

const charts: { measure: Measure; title: string }[] = [
  { measure: "num_texts", title: "Texts" },
  { measure: "num_requests", title: "Calls" },
  { measure: "num_tokens", title: "Tokens" },
];

export function UsageCharts({ rows, days }: { rows: UsageRow[]; days: number }) {
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg">
      {charts.map(({ measure, title }) => (
        <Section key={measure} title={title} description={`${formatNumber(total(rows, measure))} in all`}>
          <DayBars name={title} values={valuesByDay(rows, days, measure)} height={120} />
        </Section>
      ))}
    </SimpleGrid>
  );
}
