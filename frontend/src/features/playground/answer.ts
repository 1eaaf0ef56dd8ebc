/** A prediction in a few words, whatever the task's kind. */

import { formatCount, formatPercent, formatValue } from "@/lib/format";

import type { Prediction, PredictInput } from "./api/predict";

export interface Answer {
  /** What the answer is: "Label", "Labels", "Value" or "Found". */
  name: string;
  words: string;
  /** How sure it is, where that is one figure. */
  score: string | null;
  /** Scores by label, the highest first, and which labels are given. */
  scores: [string, number][];
  given: ReadonlySet<string>;
}

export function answerOf(prediction: Prediction): Answer {
  if ("value" in prediction) {
    return {
      name: "Value",
      words: formatValue(prediction.value),
      score: null,
      scores: [],
      given: new Set(),
    };
  }
  if ("spans" in prediction) {
    const words = formatCount(prediction.spans.length, "place");
    return { name: "Found", words, score: null, scores: [], given: new Set() };
  }
  const scores = Object.entries(prediction.scores).sort(([, a], [, b]) => b - a);
  if ("labels" in prediction) {
    const given = new Set(prediction.labels);
    const words = prediction.labels.join(", ") || "None of the labels";
    return { name: "Labels", words, score: null, scores, given };
  }
  return {
    name: "Label",
    words: prediction.label,
    score: formatPercent(prediction.score),
    scores,
    given: new Set([prediction.label]),
  };
}

/** The labels that a prediction gives, to be counted; none of numbers. */
export function labelsOf(prediction: Prediction): string[] {
  if ("value" in prediction) return [];
  if ("spans" in prediction) return prediction.spans.map(({ label }) => label);
  return "labels" in prediction ? prediction.labels : [prediction.label];
}

export function textOf(input: PredictInput): string {
  return typeof input === "string" ? input : `${input.text} / ${input.pair}`;
}
