/** Two versions' reports side by side: which figures, how they differ, and whether the difference means anything. */

import { figureTitle } from "@/lib/figures";
import { formatBytes, formatNumber, formatPercent } from "@/lib/format";

import { hasOneLabel, headlineOf, type OneLabelReport, type Report, type ScoreReport } from "./report";

export interface ComparedFigure {
  name: string;
  one: string;
  other: string;
  /** Difference of the other to the one, with its sign; empty where there is none to tell. */
  difference: string;
  /** Whether the other is better; null where they are alike, or neither is better by itself. */
  isBetter: boolean | null;
}

interface Kind<R> {
  name: string;
  of: (report: R) => number | undefined;
  format: (value: number) => string;
  /** Of the difference. */
  step: (value: number) => string;
  better: "more" | "less" | null;
}

const percent = (share: number) => formatPercent(share);
const points = (value: number) => `${(Math.abs(value) * 100).toFixed(1)} points`;
const milliseconds = (value: number) => `${value.toFixed(1)} ms`;

const ofOneLabel: Kind<OneLabelReport>[] = [
  {
    name: figureTitle("macro_f1"),
    of: (report) => report.macro_f1,
    format: percent,
    step: points,
    better: "more",
  },
  { name: figureTitle("ece"), of: ({ ece }) => ece, format: percent, step: points, better: "less" },
];

const ofAll: Kind<Report>[] = [
  {
    name: "Text that PLOT knew in its context",
    of: ({ coverage }) => coverage.trigram + coverage.bigram,
    format: percent,
    step: points,
    better: null,
  },
  {
    name: "Time per text",
    of: ({ latency }) => latency.retrieve_ms + latency.compute_ms,
    format: milliseconds,
    step: (value) => milliseconds(Math.abs(value)),
    better: null,
  },
  {
    name: "Rows to train",
    of: ({ rows }) => rows.train,
    format: formatNumber,
    step: formatNumber,
    better: null,
  },
  {
    name: "Held-out rows",
    of: ({ rows }) => rows.test,
    format: formatNumber,
    step: formatNumber,
    better: null,
  },
  {
    name: "Adapter and head",
    of: (report) => report.adapter_bytes,
    format: formatBytes,
    step: (value) => formatBytes(Math.abs(value)),
    better: null,
  },
];

export function comparedFigures(one: Report, other: Report): ComparedFigure[] {
  const [left, right] = [headlineOf(one), headlineOf(other)];
  const step = left.isShare ? points : left.format;
  return [
    compared(left.name, left.value, right.value, left.format, step, "more"),
    ...(hasOneLabel(one) && hasOneLabel(other) ? comparedOf(ofOneLabel, one, other) : []),
    ...comparedOf(ofAll, one, other),
  ];
}

function comparedOf<R>(kinds: Kind<R>[], one: R, other: R): ComparedFigure[] {
  return kinds.map(({ name, of, format, step, better }) =>
    compared(name, of(one), of(other), format, step, better),
  );
}

/** F1 of every label that either version knows, the largest change first; empty where they predict a score. */
export function comparedLabels(one: Report, other: Report): ComparedFigure[] {
  if (one.kind === "score" || other.kind === "score") return [];
  const f1Of = (report: Exclude<Report, ScoreReport>, label: string) =>
    report.classes.find((each) => each.label === label)?.f1;
  const labels = [...new Set([...one.labels, ...other.labels])];
  return labels
    .map((label) => ({ label, change: Math.abs((f1Of(other, label) ?? 0) - (f1Of(one, label) ?? 0)) }))
    .sort((a, b) => b.change - a.change)
    .map(({ label }) => compared(label, f1Of(one, label), f1Of(other, label), percent, points, "more"));
}

function compared(
  name: string,
  one: number | undefined,
  other: number | undefined,
  format: (value: number) => string,
  step: (value: number) => string,
  better: "more" | "less" | null,
): ComparedFigure {
  const told = {
    name,
    one: one === undefined ? "–" : format(one),
    other: other === undefined ? "–" : format(other),
  };
  if (one === undefined || other === undefined) return { ...told, difference: "", isBetter: null };
  const change = other - one;
  // What looks alike is alike.
  if (told.one === told.other) return { ...told, difference: "none", isBetter: null };
  return {
    ...told,
    difference: `${change > 0 ? "+" : "−"}${step(Math.abs(change))}`,
    isBetter: better === null ? null : change > 0 === (better === "more"),
  };
}

/** Whether chance alone could make the difference of their headlines: the 95% intervals overlap. */
export function couldBeChance(one: Report, other: Report): boolean {
  const [oneLow, oneHigh] = headlineOf(one).ci95;
  const [otherLow, otherHigh] = headlineOf(other).ci95;
  return oneLow <= otherHigh && otherLow <= oneHigh;
}
