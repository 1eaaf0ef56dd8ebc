/** The four figures of a report that a person reads first. */

import { SimpleGrid } from "@mantine/core";

import { Figure } from "@/components/ui/Figure";
import { formatCount, formatPercent } from "@/lib/format";

import type { Report } from "../report";

export function ReportFigures({ report }: { report: Report }) {
  const [low, high] = report.accuracy_ci95;
  const f1 = report.macro_f1_ci95;
  const majority = report.majority_accuracy;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      <Figure
        name="Accuracy"
        value={formatPercent(report.accuracy)}
        note={`95% interval ${formatPercent(low)} to ${formatPercent(high)}, on ${formatCount(report.rows.test, "held-out row")}${majority === undefined ? "" : `; always the most frequent label: ${formatPercent(majority)}`}`}
      />
      <Figure
        name="Macro F1"
        value={formatPercent(report.macro_f1)}
        note={`Mean over the labels, small ones count alike${f1 ? `; 95% interval ${formatPercent(f1[0])} to ${formatPercent(f1[1])}` : ""}`}
      />
      <Figure
        name="Calibration error"
        value={formatPercent(report.ece)}
        note="How far a score is from the share that is right; lower is better"
      />
      <Figure
        name="Time per text"
        value={`${(report.latency.retrieve_ms + report.latency.compute_ms).toFixed(1)} ms`}
        note={`Retrieve ${report.latency.retrieve_ms.toFixed(2)} ms, compute ${report.latency.compute_ms.toFixed(1)} ms, in batches of ${report.latency.batch_rows} where it was trained`}
      />
    </SimpleGrid>
  );
}
