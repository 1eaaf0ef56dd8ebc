/** What looking lower layers up, instead of computing them, costs: of the same recipe on the same held-out rows. */

import { Stack, Text } from "@mantine/core";

import { ShareBar } from "@/components/ui/ShareBar";
import { formatValue } from "@/lib/format";

import { qualityName, type Report, signedPoints } from "../report";

export function PlotCost({ report }: { report: Report }) {
  const { plot_cost: cost } = report;
  if (!cost) {
    return (
      <Text size="sm" c="dimmed">
        {report.left_out?.["plot_cost"] ??
          "Not measured in this training: it left the model on computed lower layers out."}
      </Text>
    );
  }
  if (report.kind === "score") return <ErrorCost cost={cost} />;
  const [low, high] = cost.delta_points_ci95;
  return (
    <Stack gap="xs">
      <Text size="sm">
        <strong>{signedPoints(cost.delta_points)} points</strong> of {qualityName(report)} against computing
        the lower layers (95% interval {signedPoints(low)} to {signedPoints(high)}).
      </Text>
      <ShareBar name="Looked up (this version)" share={cost.plot_accuracy} color="teal.6" />
      <ShareBar name="Computed" share={cost.computed_accuracy} color="gray.6" />
    </Stack>
  );
}

/** Of numbers the quality that is compared is the error with a minus before it, in the units of the data. */
function ErrorCost({ cost }: { cost: NonNullable<Report["plot_cost"]> }) {
  const more = -cost.delta_points / 100;
  const [low, high] = cost.delta_points_ci95.map((points) => -points / 100).sort((a, b) => a - b);
  const words = more > 0 ? `${formatValue(more)} more` : more < 0 ? `${formatValue(-more)} less` : "nothing";
  return (
    <Text size="sm">
      It is off by <strong>{formatValue(-cost.plot_accuracy)}</strong> on average; computing the lower layers
      gives {formatValue(-cost.computed_accuracy)}. Looking up costs <strong>{words}</strong> (95% interval{" "}
      {formatValue(low ?? 0)} to {formatValue(high ?? 0)}).
    </Text>
  );
}
