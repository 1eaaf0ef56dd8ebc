/** The rows that a report names for a person to judge: those whose labels are doubted, and the worst mistakes. */

import { formatValue } from "@/lib/format";
import type { Correction } from "@/lib/types";

import type { Place, Report } from "./report";

/** A row with what it is labelled and what the model says instead. */
export interface JudgedRow {
  row: number;
  label: string;
  other: string;
  labelScore?: number;
  otherScore?: number;
  /** Of spans: where they are in the text, instead of the words above. */
  places?: { labelled: Place[]; other: Place[] };
  /** The same as corrections say it; of kinds whose rows can be given something else. */
  now?: RowAnswer;
  suggested?: RowAnswer;
}

/** What a row is labelled with: one of these, by its kind. */
export type RowAnswer = Pick<Correction, "label" | "labels" | "value" | "spans">;

/** The worst mistakes, in the order of the report. */
export function mistakesOf(report: Report): JudgedRow[] {
  if (report.kind === "token_classification") {
    return (report.mistakes ?? []).map(({ row, spans, predicted, suggested }) =>
      placed(row, spans, suggested ?? predicted),
    );
  }
  if (report.kind === "score") {
    return (report.mistakes ?? []).map(({ row, value, predicted }) => scored(row, value, predicted));
  }
  if (report.kind === "multi_label") {
    return (report.mistakes ?? []).map(({ row, labels, predicted }) => labelled(row, labels, predicted));
  }
  return (report.mistakes ?? []).map((mistake) => ({
    row: mistake.row,
    label: mistake.label,
    other: mistake.predicted,
    labelScore: mistake.label_score,
    otherScore: mistake.predicted_score,
    now: { label: mistake.label },
    suggested: { label: mistake.predicted },
  }));
}

function scored(row: number, value: number, suggested: number): JudgedRow {
  return {
    row,
    label: formatValue(value),
    other: formatValue(suggested),
    now: { value },
    suggested: { value: Number(suggested.toPrecision(3)) },
  };
}

function placed(row: number, spans: Place[], suggested: Place[]): JudgedRow {
  return {
    row,
    label: labelsIn(spans),
    other: labelsIn(suggested),
    places: { labelled: spans, other: suggested },
    now: { spans },
    suggested: { spans: suggested },
  };
}

function labelsIn(places: Place[]): string {
  return listed([...new Set(places.map(({ label }) => label))]);
}

function labelled(row: number, labels: string[], suggested: string[]): JudgedRow {
  return {
    row,
    label: listed(labels),
    other: listed(suggested),
    now: { labels },
    suggested: { labels: suggested },
  };
}

/** The rows whose labels or values the other rows contradict; of spans, the trained model does. */
export function suspectsOf(report: Report): JudgedRow[] {
  if (report.kind === "token_classification") {
    return (report.label_errors?.suspects ?? []).map(({ row, spans, suggested, doubt }) => ({
      ...placed(row, spans, suggested),
      otherScore: doubt,
    }));
  }
  if (report.kind === "score") {
    return (report.label_errors?.suspects ?? []).map(({ row, value, suggested }) =>
      scored(row, value, suggested),
    );
  }
  if (report.kind === "multi_label") {
    return (report.label_errors?.suspects ?? []).map(({ row, labels, suggested, doubt }) => ({
      ...labelled(row, labels, suggested),
      otherScore: doubt,
    }));
  }
  return (report.label_errors?.suspects ?? []).map((suspect) => ({
    row: suspect.row,
    label: suspect.label,
    other: suspect.suggested,
    labelScore: suspect.label_score,
    otherScore: suspect.suggested_score,
    now: { label: suspect.label },
    suggested: { label: suspect.suggested },
  }));
}

function listed(labels: string[]): string {
  return labels.join(", ") || "none";
}

/** What is to be done about a row so that it gets an answer: nothing where it has that already. */
export function correctionTo({ row, now }: JudgedRow, answer: RowAnswer | undefined): Correction | undefined {
  return answer && !isSameAnswer(answer, now) ? { row, drop: false, ...answer } : undefined;
}

export function isSameAnswer(one: RowAnswer | undefined, other: RowAnswer | undefined): boolean {
  const [first, second] = [one, other].map((answer) =>
    JSON.stringify([
      answer?.label,
      answer?.value,
      answer?.labels && [...answer.labels].sort(),
      answer?.spans?.map(({ start, end, label }) => [start, end, label]),
    ]),
  );
  return first === second;
}
