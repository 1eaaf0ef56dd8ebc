/** The figures of a report that a person reads first. */

import { SimpleGrid } from "@mantine/core";

import { Figure } from "@/components/ui/Figure";
import { figureTitle } from "@/lib/figures";
import { formatCount, formatPercent } from "@/lib/format";

import { hasOneLabel, headlineOf, type Report } from "../report";

export function ReportFigures({ report }: { report: Report }) {
  const { name, value, ci95, format } = headlineOf(report);
  const majority = hasOneLabel(report) ? report.majority_accuracy : undefined;
  return (
    <SimpleGrid cols={{ base: 2, md: hasOneLabel(report) ? 4 : 2 }}>
      <Figure
        name={name}
        value={format(value)}
        note={`95% interval ${format(ci95[0])} to ${format(ci95[1])}, on ${formatCount(report.rows.test, "held-out row")}${typeof majority !== "number" ? "" : `; always the most frequent label: ${formatPercent(majority)}`}`}
      />
      {hasOneLabel(report) && (
        <>
          <Figure
            name={figureTitle("macro_f1")}
            value={formatPercent(report.macro_f1)}
            note={`Mean over the labels, small ones count alike${report.macro_f1_ci95 ? `; 95% interval ${formatPercent(report.macro_f1_ci95[0])} to ${formatPercent(report.macro_f1_ci95[1])}` : ""}`}
          />
          <Figure
            name={figureTitle("ece")}
            value={formatPercent(report.ece)}
            note="How far a score is from the share that is right; lower is better"
          />
        </>
      )}
      <Figure
        name="Time per text"
        value={`${(report.latency.retrieve_ms + report.latency.compute_ms).toFixed(1)} ms`}
        note={`Retrieve ${report.latency.retrieve_ms.toFixed(2)} ms, compute ${report.latency.compute_ms.toFixed(1)} ms, in batches of ${report.latency.batch_rows} where it was trained`}
      />
    </SimpleGrid>
  );
}
