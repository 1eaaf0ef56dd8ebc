/** Loss and what is watched on validation rows, over the steps of a training. Loaded only where it is shown: charts are heavy. */

import "@mantine/charts/styles.css";

import { LineChart } from "@mantine/charts";
import { Paper, SimpleGrid, Text, Title } from "@mantine/core";

import type { TrainingEvent } from "@/lib/types";
import { formatFigure, validationTitle } from "@/lib/figures";

import { curvePoints } from "../curve";

export function TrainingCurve({ events, metric }: { events: TrainingEvent[]; metric: string }) {
  const losses = curvePoints(events, "loss");
  const accuracies = curvePoints(events, "validation_accuracy");
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Curve
        title="Loss"
        points={losses}
        color="cyan.6"
        format={(value) => value.toFixed(2)}
        empty="The first values come with the first training steps."
      />
      <Curve
        title={validationTitle(metric)}
        points={accuracies}
        color="teal.6"
        format={(value) => formatFigure(metric, value, 0)}
        empty="The first value comes with the first validation."
      />
    </SimpleGrid>
  );
}

interface CurveProps {
  title: string;
  points: { step: number; value: number }[];
  color: string;
  format: (value: number) => string;
  empty: string;
}

function Curve({ title, points, color, format, empty }: CurveProps) {
  const last = points.at(-1);
  const description = last
    ? `${points.length} values, the last ${format(last.value)} at step ${last.step}`
    : empty;
  return (
    <Paper withBorder p="md" radius="md" component="figure" m={0}>
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      {last ? (
        <div role="img" aria-label={`${title}: ${description}`}>
          <LineChart
            h={220}
            data={points}
            dataKey="step"
            series={[{ name: "value", label: title, color }]}
            valueFormatter={format}
            withDots={points.length < 40}
            xAxisProps={{ type: "number", domain: ["dataMin", "dataMax"], tickCount: 6 }}
            yAxisProps={{ width: 44, domain: ["auto", "auto"] }}
            curveType="linear"
          />
        </div>
      ) : (
        <Text size="sm" c="dimmed" h={220}>
          {empty}
        </Text>
      )}
    </Paper>
  );
}
