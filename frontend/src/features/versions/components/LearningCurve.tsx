/** What more rows would bring: the kind's figure at a quarter, half and all of them, and a forecast at twice as many. */

import { Stack, Text } from "@mantine/core";

import { ShareBar } from "@/components/ui/ShareBar";
import { figureInSentence } from "@/lib/figures";
import { formatCount, formatPercent } from "@/lib/format";

import type { LearningCurve as Curve } from "../report";

export function LearningCurve({ curve, metric }: { curve: Curve | null; metric: string }) {
  if (!curve) {
    return (
      <Text size="sm" c="dimmed">
        There were too few rows to tell. Add some, and the next report will.
      </Text>
    );
  }
  const last = curve.points.at(-1);
  const gain = curve.forecast && last ? curve.forecast.accuracy - last.accuracy : 0;
  return (
    <Stack gap="xs">
      {curve.points.map(({ rows, accuracy, accuracy_ci95: ci95 }) => (
        <ShareBar
          key={rows}
          name={formatCount(rows, "row")}
          share={Math.max(accuracy, 0)}
          {...(ci95 && { note: rangeOf(ci95) })}
          color="teal.6"
        />
      ))}
      {curve.forecast && (
        <ShareBar
          name={formatCount(curve.forecast.rows, "row")}
          share={curve.forecast.accuracy}
          note={`forecast${curve.forecast.accuracy_ci95 ? `, ${rangeOf(curve.forecast.accuracy_ci95)}` : ""}`}
          color="gray.5"
        />
      )}
      <Text size="sm">
        {gain > 0
          ? `Twice the rows would bring about ${(gain * 100).toFixed(1)} points more.`
          : last?.accuracy === 1
            ? "All held-out rows were right: what more rows would bring cannot be seen on these."
            : "More rows have not helped so far: better labels or clearer ones may."}
      </Text>
      <Text size="xs" c="dimmed">
        The {figureInSentence(metric)} of a simpler model, which is quick to train on parts of the rows. Only
        the slope counts: this version itself stands higher or lower. Behind each figure is its 95% interval.
      </Text>
    </Stack>
  );
}

/** A 95% interval in words. */
function rangeOf([low, high]: [number, number]): string {
  return `${formatPercent(Math.max(low, 0), 0)} to ${formatPercent(Math.max(high, 0), 0)}`;
}
