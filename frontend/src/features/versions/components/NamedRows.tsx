/** The rows that a person should look at: labels that may be wrong, and the worst mistakes. */

import { Section } from "@/components/ui/Section";
import { formatCount, formatNumber, formatValue } from "@/lib/format";

import { type RowText, useRowTexts } from "../api/get-row-texts";
import { mistakesOf, suspectsOf } from "../judged-rows";
import type { Report } from "../report";
import type { Decisions } from "./RowDecision";
import { RowList } from "./RowList";

interface Props {
  tenant: string;
  report: Report;
  dataset: string | null;
  decisions: Decisions | null;
}

export function NamedRows({ tenant, report, dataset, decisions }: Props) {
  const suspects = suspectsOf(report);
  const mistakes = mistakesOf(report);
  const texts = useRowTexts(
    tenant,
    dataset,
    [...suspects, ...mistakes].map(({ row }) => row),
  );
  const known = texts.data ?? new Map<number, RowText>();
  const todo = decisions ? " Set right here what is wrong, then train again." : "";
  return (
    <>
      {report.label_errors && (
        <Section
          title={report.kind === "score" ? "Values that may be wrong" : "Labels that may be wrong"}
          description={`${judgement(report)}${suspects.length > 0 ? todo : ""}`}
        >
          {suspects.length > 0 && (
            <RowList rows={suspects} otherTitle="Rather" texts={known} decisions={decisions} />
          )}
        </Section>
      )}
      {mistakes.length > 0 && (
        <Section
          title="Worst mistakes"
          description={
            report.kind === "score"
              ? "Held-out rows that it was furthest off at."
              : report.kind === "multi_label"
                ? "Held-out rows with the most labels wrong."
                : report.kind === "token_classification"
                  ? "Held-out rows with the most spans wrong."
                  : "Held-out rows that it was surest about, and wrong. Sometimes it is the label that is."
          }
        >
          <RowList rows={mistakes} otherTitle="It said" texts={known} decisions={decisions} />
        </Section>
      )}
    </>
  );
}

/** Who looked for wrong labels, and what came of it. */
function judgement({ kind, label_errors: errors }: Report): string {
  if (!errors) return "";
  const rows = formatCount(errors.judged, "row");
  const doubted = formatNumber(errors.num_suspects);
  if (kind === "token_classification") {
    return `The trained model looked at ${rows} and contradicts the spans of ${doubted}, at least half as sure of that as of right ones.`;
  }
  if (kind === "score") {
    const spread = "spread" in errors ? formatValue(errors.spread) : "";
    return `Models that never saw the row they judged looked at ${rows}: they are off by ${spread} as a rule, and at ${doubted} by three times that or more.`;
  }
  if (kind === "multi_label") {
    return `Classifiers that never saw the row they judged looked at ${rows} and doubt labels of ${doubted}, given or missing.`;
  }
  return `Classifiers that never saw the row they judged looked at ${rows} and doubt ${formatCount(errors.num_suspects, "label")}.`;
}
