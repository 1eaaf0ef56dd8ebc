/** How the version that is downloaded to predict offline answers, which has no PLOT and computes its lower layers. */

import { Text } from "@mantine/core";

import { Section } from "@/components/ui/Section";
import { formatPercent } from "@/lib/format";

import type { Report } from "../report";

export function OfflineSection({ report }: { report: Report }) {
  const { offline } = report;
  if (!offline) return null;
  const largest = offline.max_score_difference.toFixed(3);
  return (
    <Section title="Without the platform">
      <Text size="sm">
        Downloaded to predict offline, it has no PLOT and computes its lower layers.{" "}
        {report.kind === "score"
          ? `On the ${offline.rows} held-out rows its numbers differ from those served by ${largest} at most.`
          : `It gives ${formatPercent(offline.same_label_share)} of the ${offline.rows} held-out rows the same answer as the service; the largest difference of a score is ${largest}.`}
      </Text>
    </Section>
  );
}
