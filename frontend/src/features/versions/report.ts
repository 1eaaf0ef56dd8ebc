/** A version's report as the training wrote it: what was measured on rows that it had never seen. */

/** One label's figures on the held-out rows. */
export interface ClassFigures {
  label: string;
  precision: number;
  recall: number;
  f1: number;
  support: number;
}

/** Shares are 0 to 1; confusion is [true label][predicted label] in the order of `labels`. */
export interface Report {
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
