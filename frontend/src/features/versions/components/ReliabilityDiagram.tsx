/** Bars of what was right against the scores that were given: on the diagonal a score is the share that is right. */

import { Group, Stack, Text } from "@mantine/core";

import { formatCount, formatPercent } from "@/lib/format";

import type { Calibration, ReliabilityBin } from "../report";
import classes from "./ReliabilityDiagram.module.css";

export function ReliabilityDiagram({ calibration }: { calibration: Calibration }) {
  return (
    <Stack gap="sm">
      <Group gap="lg" align="flex-start">
        <Diagram
          title={`Before: error ${formatPercent(calibration.ece_before)}`}
          bins={calibration.bins_before}
        />
        <Diagram title={`As served: error ${formatPercent(calibration.ece)}`} bins={calibration.bins} />
      </Group>
      <Text size="xs" c="dimmed">
        Left to right the score, upwards the share of held-out rows with such a score that is right. Bars that
        end on the line are honest.{" "}
        {calibration.temperature === undefined
          ? "Each label's scores were stretched and shifted as its validation rows ask for."
          : calibration.temperature === 1
            ? "The scores are served as the model gives them."
            : `The scores that are served were divided by the temperature ${calibration.temperature.toFixed(2)}, fitted on the validation rows.`}
      </Text>
    </Stack>
  );
}

function Diagram({ title, bins }: { title: string; bins: ReliabilityBin[] }) {
  const told = bins
    .map((bin) => `scores round ${formatPercent(bin.mean_score, 0)}: ${formatPercent(bin.accuracy, 0)} right`)
    .join("; ");
  return (
    <figure className={classes.figure}>
      <svg viewBox="-2 -2 104 104" role="img" aria-label={`${title}. ${told}`} className={classes.plot}>
        <rect x={0} y={0} width={100} height={100} className={classes.frame} />
        {bins.map((bin) => (
          <rect
            key={bin.low}
            x={100 * bin.low}
            y={100 - 100 * bin.accuracy}
            width={100 * (bin.high - bin.low)}
            height={100 * bin.accuracy}
            className={classes.bar}
          >
            <title>
              {`Scores ${formatPercent(bin.low, 0)} to ${formatPercent(bin.high, 0)}: ${formatPercent(bin.accuracy)} of ${formatCount(bin.rows, "row")} right`}
            </title>
          </rect>
        ))}
        <line x1={0} y1={100} x2={100} y2={0} className={classes.diagonal} />
      </svg>
      <Text component="figcaption" size="xs" ta="center">
        {title}
      </Text>
    </figure>
  );
}
