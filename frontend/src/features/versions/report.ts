/** A version's report as the training wrote it: what was measured on rows that it had never seen. */

import { figuresOf, figureTitle, formatFigure, isShare } from "@/lib/figures";
import { formatPercent, formatValue } from "@/lib/format";
import type { TimeLimit } from "@/lib/types";

/** One label's figures on the held-out rows. */
export interface ClassFigures {
  label: string;
  precision: number;
  recall: number;
  f1: number;
  support: number;
  /** The least score at which the label is given; of several labels a row. */
  threshold?: number;
  /** Calibration error of its scores; of several labels a row, and older reports lack it. */
  ece?: number;
}

/** The held-out rows whose score lies in low..high: how sure they were on average, and how often right. */
export interface ReliabilityBin {
  low: number;
  high: number;
  rows: number;
  mean_score: number;
  accuracy: number;
}

/** What dividing the logits by the temperature changed; of several labels a row, what each label's map did. */
export interface Calibration {
  temperature?: number;
  ece_before: number;
  ece: number;
  bins_before: ReliabilityBin[];
  bins: ReliabilityBin[];
}

/** A held-out row that was given a wrong label. */
export interface Mistake {
  row: number;
  label: string;
  predicted: string;
  label_score: number;
  predicted_score: number;
}

/** A row whose label the other rows contradict. */
export interface Suspect {
  row: number;
  label: string;
  suggested: string;
  label_score: number;
  suggested_score: number;
}

/** A part of the held-out rows: by characters, or by the share of tokens that PLOT knew in context. */
export interface Slice {
  kind: "length" | "coverage";
  low: number;
  high: number;
  rows: number;
  accuracy: number;
  accuracy_ci95: [number, number];
}

/** The same of rows that are answered with a number: how far off it is, in the data's units. */
export interface ErrorSlice extends Omit<Slice, "accuracy" | "accuracy_ci95"> {
  mae: number;
  mae_ci95: [number, number];
}

interface LearningPoint {
  rows: number;
  accuracy: number;
  /** Older reports lack it. */
  accuracy_ci95?: [number, number];
}

export interface LearningCurve {
  points: LearningPoint[];
  forecast: LearningPoint | null;
}

/** What reports of the first trainings lack. */
interface Additions {
  macro_f1_ci95?: [number, number];
  /** Null of imported versions: nobody knows what they were trained on. */
  majority_accuracy?: number | null;
  calibration?: Calibration;
  mistakes?: Mistake[];
  slices?: Slice[];
  label_errors?: { judged: number; num_suspects: number; suspects: Suspect[] };
  learning_curve?: LearningCurve | null;
  /** Empty of versions that keep no thresholds. */
  label_sets?: LabelSetFigures[];
}

/** The version with a coverage floor. Accuracy is the mean quality of the rows. */
export interface FloorPoint {
  floor: number;
  computed_share: number;
  /** At most, of all texts like the test rows (95% confidence); reports of older releases lack it. */
  max_computed_share?: number;
  accuracy: number;
  accuracy_ci95: [number, number];
  gain_points: number;
  gain_points_ci95: [number, number];
  text_ms: number;
}

/** What became of the private leaf that the recipe asked for; figures are null where it was not tried. */
export interface LeafTrial {
  is_kept: boolean;
  why: string;
  max_bytes: number;
  num_bytes: number | null;
  num_rows: number | null;
  gain_points: number | null;
  validation_without: number | null;
  validation_with: number | null;
}

/** How it was trained: what a search has chosen, where there was one. */
export interface Recipe {
  method: string;
  rank: number;
  alpha: number;
  epochs: number;
  learning_rate: number;
  batch_rows: number;
  max_tokens: number;
  patience: number;
  seed: number;
  max_minutes: number | null;
}

export interface Search {
  /** In order; the last one that was kept is the recipe. */
  trials: {
    round: number;
    learning_rate: number;
    rank: number;
    epochs: number;
    rows: number;
    validation_accuracy: number;
    is_kept: boolean;
  }[];
  /** There was no time for all of it. */
  is_cut_short: boolean;
}

/** Sets of labels that lack the true one at most as often as the error level says, on the held-out rows. */
export interface LabelSetFigures {
  error_level: number;
  coverage: number;
  mean_labels: number;
  /** Rows whose set has one label. */
  answered_share: number;
  answered_accuracy: number | null;
}

/** What the reports of all kinds have. Shares are 0 to 1. */
interface Common {
  format_version: 1;
  stopped_early: boolean;
  /** Reports of older trainings lack this and the next ones. */
  stopped_at_cap?: boolean;
  /** The limit of time that ended it; reports made before limits were named lack it. */
  stopped_at?: TimeLimit | null;
  seconds?: number;
  recipe?: Recipe;
  search?: Search | null;
  curve?: { step: number; epoch: number; validation_accuracy: number }[];
  validation_accuracy?: number;
  rows: {
    train: number;
    validation: number;
    test: number;
    from_ancestors: number;
    truncated: number;
    /** Held-out rows of pairs with a text that was trained on, too; left out in reports made before it was counted. */
    sharing_text?: number;
  };
  truncated_share: number;
  coverage: { trigram: number; bigram: number; unigram: number; exact: number };
  adapter_bytes: number;
  plot_bytes: number;
  latency: { retrieve_ms: number; compute_ms: number; batch_rows: number };
  /** Accuracies are the rows' mean quality: of a score less the absolute error, of several labels their F1. */
  plot_cost: {
    computed_accuracy: number;
    plot_accuracy: number;
    delta_points: number;
    delta_points_ci95: [number, number];
  } | null;
  /** Share of the dataset's n-grams that no node has learnt of it in which others look up; older reports lack it. */
  private_share?: number;
  /** Its answers on computed lower layers, against those served; older reports lack it. */
  offline?: {
    rows: number;
    same_label_share: number;
    max_score_difference: number;
    mean_score_difference: number;
  };
  /** Null: none was asked for. */
  private_leaf?: LeafTrial | null;
  /** Reports of older trainings have none. */
  floor_curve?: FloorPoint[];
  /** Reports of older trainings have none, and it is empty of methods that are not cut to smaller ranks. */
  rank_curve?: RankPoint[];
  /** Of the fields that say nothing, why, in a sentence each; older reports lack it. */
  left_out?: Record<string, string>;
}

/** The adapter cut to a rank. */
export interface RankPoint {
  rank: number;
  adapter_bytes: number;
  accuracy: number;
  delta_points: number;
  delta_points_ci95: [number, number];
}

/** Confusion is [true label][predicted label] in the order of `labels`. Older reports have no kind. */
export interface OneLabelReport extends Common, Additions {
  kind?: "single_label" | "sentence_pair";
  accuracy: number;
  accuracy_ci95: [number, number];
  macro_f1: number;
  ece: number;
  labels: string[];
  classes: ClassFigures[];
  confusion: number[][];
}

interface Headline {
  name: string;
  value: number;
  ci95: number[];
}

/** mae and rmse, and all of `train`, are in the units of the training data. */
export interface ScoreReport extends Common {
  kind: "score";
  headline: Headline;
  mae: number;
  mae_ci95: [number, number];
  rmse: number;
  rmse_ci95: [number, number];
  r2: number;
  r2_ci95: [number, number];
  pearson: number;
  pearson_ci95: [number, number];
  spearman: number;
  spearman_ci95: [number, number];
  train: { mean: number; std: number; least: number; most: number; mean_mae: number } | null;
  mistakes?: { row: number; value: number; predicted: number }[];
  slices?: ErrorSlice[];
  /** Null in older reports, as the learning curve. Doubt is the distance in spreads of the residuals. */
  label_errors?: {
    judged: number;
    spread: number;
    num_suspects: number;
    suspects: { row: number; value: number; suggested: number; doubt: number }[];
  } | null;
  learning_curve?: LearningCurve | null;
}

export interface MultiLabelReport extends Common {
  kind: "multi_label";
  headline: Headline;
  micro_f1: number;
  micro_f1_ci95: [number, number];
  macro_f1: number;
  macro_f1_ci95: [number, number];
  exact_match: number;
  exact_match_ci95: [number, number];
  labels: string[];
  classes: ClassFigures[];
  mean_labels: number;
  mean_predicted: number;
  mistakes?: { row: number; labels: string[]; predicted: string[] }[];
  /** Accuracy is the share of rows with exactly their labels. */
  slices?: Slice[];
  /** Null in older reports, as the learning curve. Doubt is of the surest of a row's doubted labels. */
  label_errors?: {
    judged: number;
    num_suspects: number;
    suspects: { row: number; labels: string[]; suggested: string[]; doubt: number }[];
  } | null;
  learning_curve?: LearningCurve | null;
  calibration?: Calibration | null;
}

/** A span is right when its characters and its label are; classes count spans. */
export interface SpansReport extends Common {
  kind: "token_classification";
  headline: Headline;
  span_f1: number;
  span_f1_ci95: [number, number];
  precision: number;
  precision_ci95: [number, number];
  recall: number;
  recall_ci95: [number, number];
  macro_f1: number;
  macro_f1_ci95: [number, number];
  exact_match: number;
  exact_match_ci95: [number, number];
  token_accuracy: number;
  token_accuracy_ci95: [number, number];
  num_spans: number;
  num_predicted: number;
  num_cut: number;
  num_not_read: number;
  labels: string[];
  classes: ClassFigures[];
  calibration: Calibration | null;
  /** Suggested are those predicted, and of the labelled ones those behind the end of what was read. */
  mistakes?: { row: number; spans: Place[]; predicted: Place[]; suggested?: Place[] }[];
  label_errors?: {
    judged: number;
    num_suspects: number;
    suspects: { row: number; spans: Place[]; suggested: Place[]; doubt: number }[];
  } | null;
  /** Accuracy is the share of rows with exactly their spans. */
  slices?: Slice[];
  learning_curve?: LearningCurve | null;
}

/** Characters of a text (Unicode code points) that have a label. */
export interface Place {
  start: number;
  end: number;
  label: string;
}

export type Report = OneLabelReport | ScoreReport | MultiLabelReport | SpansReport;

const kinds: unknown[] = [
  undefined,
  "single_label",
  "sentence_pair",
  "score",
  "multi_label",
  "token_classification",
];

/** The report, when it is of a format and kind that this dashboard knows; null for any other. */
export function readReport(report: unknown): Report | null {
  const isKnown =
    typeof report === "object" &&
    report !== null &&
    "format_version" in report &&
    report.format_version === 1 &&
    kinds.includes("kind" in report ? report.kind : undefined);
  return isKnown ? (report as unknown as Report) : null;
}

interface Parity {
  max_score_difference: number;
  agrees: boolean;
}

/** Of a version that was imported: see docs/api.md, Bringing an adapter. */
export interface ImportReport {
  method: string;
  rank: number;
  dtype: string;
  notes: string[];
  passed: boolean;
  parity: {
    peft: Parity;
    plot: { rows: number; share: number; min_share: number };
    expected: { computed: Parity; plot: Parity } | null;
    problems: string[];
  };
}

/** The part on the import, of a version that came from one. */
export function readImport(report: unknown): ImportReport | null {
  const isImport = typeof report === "object" && report !== null && "import" in report;
  return isImport ? (report.import as ImportReport) : null;
}

export function hasOneLabel(report: Report): report is OneLabelReport {
  return report.kind === undefined || report.kind === "single_label" || report.kind === "sentence_pair";
}

/** A difference in points, with its sign. */
export function signedPoints(points: number): string {
  return signed(points, (size) => size.toFixed(1));
}

function signed(value: number, format: (size: number) => string): string {
  const words = format(Math.abs(value));
  if (words === format(0)) return words; // what is rounded to nothing has no sign
  return `${value > 0 ? "+" : "−"}${words}`;
}

/** What is no share, such as a correlation or an error in the data's units, is told with so many digits. */
const figureDigits = 3;

const inUnits = ["mae", "rmse"];

/** A report's figure. */
export function formatMeasured(name: string, value: number): string {
  // Errors in data of small numbers would all be 0.000.
  if (inUnits.includes(name) && Math.abs(value) < 0.01) return formatValue(value);
  return formatFigure(name, value, isShare(name) ? 1 : figureDigits - 1);
}

/** The figure that stands for the version, as headlineInWords. */
export function headlineOf(report: Report) {
  return headlineInWords(
    hasOneLabel(report)
      ? { name: "accuracy", value: report.accuracy, ci95: report.accuracy_ci95 }
      : report.headline,
  );
}

/** A headline, named in words; `isShare`: it is told as a percentage. */
export function headlineInWords({ name, value, ci95: [low, high] }: Headline) {
  const format = (figure: number) => formatMeasured(name, figure);
  const interval: [number, number] = [low ?? value, high ?? value];
  return { name: figureTitle(name), value, ci95: interval, isShare: isShare(name), format };
}

/** What the rows' quality is called that floors, ranks and the cost of PLOT are told in; of scores an error. */
export function qualityName({ kind }: Report): string {
  return figuresOf(kind).ofRow;
}

/** The same at a table's head. */
export function qualityHead(report: Report): string {
  const name = qualityName(report);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** Rows' mean quality (0 to 1), or of scores, which have it with a minus, the mean error in the data's units. */
export function formatQuality({ kind }: Report, quality: number): string {
  return kind === "score" ? formatValue(Math.abs(quality)) : formatPercent(quality);
}

/** A difference of quality with its interval: in points, or of scores as the change of the error. */
export function formatChange({ kind }: Report, points: number, ci95: [number, number]): string {
  if (kind !== "score")
    return `${signedPoints(points)} (${signedPoints(ci95[0])} to ${signedPoints(ci95[1])})`;
  const ofError = (change: number) => signed(-change / 100, formatValue);
  return `${ofError(points)} (${ofError(ci95[1])} to ${ofError(ci95[0])})`;
}
