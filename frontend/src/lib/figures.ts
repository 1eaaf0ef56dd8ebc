/** What tasks are measured by, in words: the one list that estimates, trainings and reports have their names from. */

import { formatPercent } from "@/lib/format";
import type { TaskKind } from "@/lib/types";

interface Figure {
  /** At the head of a column or a line. */
  title: string;
  /** In a sentence, where it is another; else the title with a small letter. */
  short?: string;
  /** It is no share of anything, and may be below 0. */
  isNoShare?: true;
}

/** By the API's names. */
const figures = {
  accuracy: { title: "Accuracy" },
  r2: { title: "Variance explained (R²)", short: "R²", isNoShare: true },
  micro_f1: { title: "Micro F1" },
  span_f1: { title: "F1 of spans", short: "F1 of spans" },
  macro_f1: { title: "Macro F1" },
  precision: { title: "Precision" },
  recall: { title: "Recall" },
  ece: { title: "Calibration error" },
  mae: { title: "Mean absolute error", isNoShare: true },
  rmse: { title: "Root mean squared error", isNoShare: true },
  pearson: { title: "Correlation (Pearson)", isNoShare: true },
  spearman: { title: "Correlation of ranks (Spearman)", isNoShare: true },
  token_accuracy: { title: "Words with the right tag" },
  /** Of updates by an older release: the mean over rows, of a score less the absolute error. */
  row_quality: { title: "Quality of a row", isNoShare: true },
} satisfies Record<string, Figure>;

interface KindFigures {
  /** The one that trainings watch, and that stands for a version. */
  watched: keyof typeof figures;
  /** What of one row is averaged where two ways are compared row by row, in a sentence. */
  ofRow: string;
  /** The rows that are right in all. */
  exactRows?: string;
}

const ofOneLabel: KindFigures = { watched: "accuracy", ofRow: "accuracy" };

const ofKinds: Record<TaskKind, KindFigures> = {
  single_label: ofOneLabel,
  sentence_pair: ofOneLabel,
  multi_label: {
    watched: "micro_f1",
    ofRow: "F1 of a row's labels",
    exactRows: "Rows with exactly their labels",
  },
  score: { watched: "r2", ofRow: "mean error" },
  token_classification: {
    watched: "span_f1",
    ofRow: "F1 of a row's spans",
    exactRows: "Rows with exactly their spans",
  },
};

/** A report of an older release has no kind: a row has one label there. */
export function figuresOf(kind: TaskKind = "single_label"): KindFigures {
  return ofKinds[kind];
}

/** A figure that this dashboard does not know has the API's name. */
export function figureTitle(name: string): string {
  return figureOf(name)?.title ?? name;
}

export function figureInSentence(name: string): string {
  const figure = figureOf(name);
  return figure ? (figure.short ?? lowered(figure.title)) : name;
}

/** The figure on the validation rows, at the head of a column or a line. */
export function validationTitle(name: string): string {
  return figureOf(name) ? `Validation ${figureInSentence(name)}` : "Validation";
}

export function isShare(name: string): boolean {
  return !figureOf(name)?.isNoShare;
}

/** Shares in percent with so many digits; what is no share has one more than that. */
export function formatFigure(name: string, value: number, digits = 1): string {
  return isShare(name) ? formatPercent(value, digits) : value.toFixed(digits + 1).replace("-", "−");
}

function figureOf(name: string): Figure | undefined {
  return Object.hasOwn(figures, name) ? figures[name as keyof typeof figures] : undefined;
}

function lowered(title: string): string {
  return title.charAt(0).toLowerCase() + title.slice(1);
}
