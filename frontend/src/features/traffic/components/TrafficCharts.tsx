/** Texts, latency and coverage over time. Loaded only where it is shown: charts are heavy. */

import "@mantine/charts/styles.css";

import { BarChart, LineChart } from "@mantine/charts";
import { SimpleGrid, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import { formatDay, formatNumber, formatPercent, formatTime } from "@/lib/format";
import type { Traffic, TrafficPeriod } from "@/lib/types";

const chartHeight = 180;

export function TrafficCharts({ traffic }: { traffic: Traffic }) {
  const name = traffic.by === "hour" ? formatTime : formatDay;
  const periods = traffic.results.map((period) => ({ name: name(period.at), ...period }));
  const answered = periods.filter(({ num_texts }) => num_texts > 0);
  const last = answered.at(-1);
  if (!last) return null;
  const numTexts = answered.reduce((sum, { num_texts }) => sum + num_texts, 0);
  const slowest = answered.reduce((worst, { latency_p99_ms }) => Math.max(worst, latency_p99_ms ?? 0), 0);
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg">
      <Chart
        title="Texts"
        told={`${formatNumber(numTexts)} in all, ${formatNumber(last.num_texts)} in the last with any, ${last.name}`}
      >
        <BarChart
          h={chartHeight}
          data={periods}
          dataKey="name"
          series={[{ name: "num_texts", label: "Texts", color: "cyan.6" }]}
          valueFormatter={formatNumber}
          yAxisProps={{ width: 44, allowDecimals: false }}
          barProps={{ isAnimationActive: false }}
        />
      </Chart>
      <Chart
        title="Time to answer"
        told={`the last ${milliseconds(last.latency_p50_ms ?? 0)} for half of the requests; at most ${milliseconds(slowest)} for 99 of 100`}
      >
        <LineChart
          h={chartHeight}
          data={periods}
          dataKey="name"
          series={[
            { name: "latency_p50_ms", label: "Half of them within", color: "teal.6" },
            { name: "latency_p99_ms", label: "99 of 100 within", color: "orange.6" },
          ]}
          valueFormatter={milliseconds}
          yAxisProps={{ width: 60 }}
          curveType="linear"
          connectNulls={false}
          lineProps={{ isAnimationActive: false }}
          withLegend
        />
      </Chart>
      <Chart title="How much PLOT knew" told={`the last ${formatPercent(knownIn(last), 0)} in context`}>
        <BarChart
          h={chartHeight}
          type="stacked"
          data={periods.map((period) => ({ name: period.name, ...period.coverage }))}
          dataKey="name"
          series={[
            { name: "trigram", label: "Three tokens", color: "teal.6" },
            { name: "bigram", label: "Two tokens", color: "cyan.6" },
            { name: "unigram", label: "One token", color: "yellow.6" },
            { name: "exact", label: "Computed", color: "violet.6" },
          ]}
          valueFormatter={(share) => formatPercent(share, 0)}
          yAxisProps={{ width: 44, domain: [0, 1] }}
          barProps={{ isAnimationActive: false }}
          withLegend
        />
      </Chart>
    </SimpleGrid>
  );
}

function Chart({ title, told, children }: { title: string; told: string; children: ReactNode }) {
  return (
    <figure style={{ margin: 0, minWidth: 0 }}>
      <Title order={3} size="h6" mb={6}>
        {title}
      </Title>
      <div role="img" aria-label={`${title}: ${told}`}>
        {children}
      </div>
      <Text component="figcaption" size="xs" c="dimmed" aria-hidden>
        {told}
      </Text>
    </figure>
  );
}

function knownIn({ coverage }: TrafficPeriod): number {
  return coverage ? coverage.trigram + coverage.bigram : 0;
}

function milliseconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${formatNumber(Math.round(value))} ms`;
}
