/** What a training would take and give, once the probe has answered. */

import { Alert, Group, List, Loader, Text } from "@mantine/core";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { figureTitle, formatFigure, isShare } from "@/lib/figures";
import { formatAbout, formatBytes, formatPercent } from "@/lib/format";
import type { Estimate } from "@/lib/types";

import { useEstimate } from "../api/estimate";

type Result = NonNullable<Estimate["result"]>;

export function EstimateNotice({ tenant, asked }: { tenant: string; asked: Estimate }) {
  const { data: estimate, error } = useEstimate(tenant, asked);
  if (error) return <ErrorNotice error={error} title="No estimate" />;
  if (estimate.state === "failed") {
    return <ErrorNotice error={new Error(estimate.error?.message ?? "It failed.")} title="No estimate" />;
  }
  if (estimate.state === "cancelled") return <Text size="sm">A newer question has taken its place.</Text>;
  const { result } = estimate;
  if (!result) {
    return (
      <Group gap="xs" role="status">
        <Loader size="xs" aria-hidden />
        <Text size="sm">Trying a simple model on some of the rows: this takes up to a minute …</Text>
      </Group>
    );
  }
  return (
    <Alert color="cyan" variant="light" title="What it would take and give" role="status">
      <List size="sm">
        <List.Item>
          About {formatAbout(result.seconds)}
          {formatAbout(result.seconds_least) !== formatAbout(result.seconds) &&
            `, or ${formatAbout(result.seconds_least)} where it stops as early as it may`}
          , once it has begun.
          {isLongerThanAllowed(result) &&
            ` That is longer than the ${formatAbout(result.limit_s)} that a training may take here: it then ends with the best so far.`}
        </List.Item>
        {result.accuracy && (
          <List.Item>
            {figureTitle(result.metric)} between {told(result, result.accuracy.low)} and{" "}
            {told(result, result.accuracy.high)}
            {result.majority_accuracy !== null &&
              `, where always saying the most frequent label gives ${formatPercent(result.majority_accuracy, 0)}`}
            .
          </List.Item>
        )}
        <List.Item>
          A version of {formatBytes(result.adapter_bytes)}
          {typeof result.plot_bytes === "number" &&
            `, and ${formatBytes(result.plot_bytes)} of PLOT for its domain`}
          .
        </List.Item>
      </List>
    </Alert>
  );
}

/** An estimate is told in whole percents, and what is no share as finely. */
function told({ metric }: Result, figure: number): string {
  return formatFigure(metric, figure, isShare(metric) ? 0 : 1);
}

function isLongerThanAllowed(result: Result): result is Result & { limit_s: number } {
  return typeof result.limit_s === "number" && result.seconds > result.limit_s;
}
