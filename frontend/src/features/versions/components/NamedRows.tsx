/** The rows that a person should look at: labels that may be wrong, and the worst mistakes. */

import { Section } from "@/components/ui/Section";
import { formatCount, formatNumber } from "@/lib/format";

import { useRowTexts } from "../api/get-row-texts";
import { mistakesOf, type Report, suspectsOf } from "../report";
import { type Decisions, RowList } from "./RowList";

interface Props {
  tenant: string;
  report: Report;
  dataset: string | null;
  decisions: Decisions | null;
}

export function NamedRows({ tenant, report, dataset, decisions }: Props) {
  const errors = "label_errors" in report ? report.label_errors : undefined;
  const suspects = suspectsOf(report);
  const mistakes = mistakesOf(report);
  const texts = useRowTexts(
    tenant,
    dataset,
    [...suspects, ...mistakes].map(({ row }) => row),
  );
  const known = texts.data ?? new Map<number, string>();
  const todo = decisions ? " Set right here what is wrong, then train again." : "";
  return (
    <>
      {errors && (
        <Section
          title="Labels that may be wrong"
          description={
            report.kind === "token_classification"
              ? `The trained model looked at ${formatCount(errors.judged, "row")} and contradicts the places of ${formatNumber(errors.num_suspects)}, as surely as it finds right ones; the numbers count characters.`
              : `Classifiers that never saw the row they judged looked at ${formatCount(errors.judged, "row")} and doubt ${formatCount(errors.num_suspects, "label")}.${suspects.length > 0 ? todo : ""}`
          }
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
                  ? "Held-out rows with the most places wrong; the numbers count characters."
                  : "Held-out rows that it was surest about, and wrong. Sometimes it is the label that is."
          }
        >
          <RowList rows={mistakes} otherTitle="It said" texts={known} decisions={decisions} />
        </Section>
      )}
    </>
  );
}
