/** A version's report as the training wrote it: what was measured on rows that it had never seen. */

/** One label's figures on the held-out rows. */
export interface ClassFigures {
  label: string;
  precision: number;
  recall: number;
  f1: number;
  support: number;
}

/** The held-out rows whose score lies in low..high: how sure they were on average, and how often right. */
export interface ReliabilityBin {
  low: number;
  high: number;
  rows: number;
  mean_score: number;
  accuracy: number;
}

/** What dividing the logits by the temperature changed. */
export interface Calibration {
  temperature: number;
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

interface LearningPoint {
  rows: number;
  accuracy: number;
}

export interface LearningCurve {
  points: LearningPoint[];
  forecast: LearningPoint | null;
}

/** What reports of the first trainings lack. */
interface Additions {
  macro_f1_ci95?: [number, number];
  majority_accuracy?: number;
  calibration?: Calibration;
  mistakes?: Mistake[];
  slices?: Slice[];
  label_errors?: { judged: number; num_suspects: number; suspects: Suspect[] };
  learning_curve?: LearningCurve | null;
}

/** Shares are 0 to 1; confusion is [true label][predicted label] in the order of `labels`. */
export interface Report extends Additions {
  format_version: 1;
  accuracy: number;
  accuracy_ci95: [number, number];
  macro_f1: number;
  ece: number;
  labels: string[];
  classes: ClassFigures[];
  confusion: number[][];
  stopped_early: boolean;
  rows: { train: number; validation: number; test: number; from_ancestors: number; truncated: number };
  truncated_share: number;
  coverage: { trigram: number; bigram: number; unigram: number; exact: number };
  adapter_bytes: number;
  plot_bytes: number;
  latency: { retrieve_ms: number; compute_ms: number; batch_rows: number };
  plot_cost: {
    computed_accuracy: number;
    plot_accuracy: number;
    delta_points: number;
    delta_points_ci95: [number, number];
  } | null;
}

/** The report, when it is of the format that this dashboard knows; null for any other. */
export function readReport(report: unknown): Report | null {
  const isKnown =
    typeof report === "object" &&
    report !== null &&
    "format_version" in report &&
    report.format_version === 1;
  return isKnown ? (report as unknown as Report) : null;
}

/** The pairs of labels that are taken for one another most often, worst first. */
export function worstConfusions({ labels, confusion }: Report, max: number) {
  return confusion
    .flatMap((row, truth) =>
      row.map((count, predicted) => ({
        truth: labels[truth] ?? "",
        predicted: labels[predicted] ?? "",
        count,
      })),
    )
    .filter(({ truth, predicted, count }) => truth !== predicted && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, max);
}
