/** A prediction in a few words, whatever the task's kind. */

import { formatCount, formatPercent, formatValue } from "@/lib/format";

import type { Prediction, PredictInput } from "./api/predict";

export interface Answer {
  /** What the answer is: "Label", "Labels", "Value" or "Found". */
  name: string;
  words: string;
  /** False where the label is one of several, as an error level allows. */
  isSure: boolean;
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
      isSure: true,
      score: null,
      scores: [],
      given: new Set(),
    };
  }
  if ("spans" in prediction) {
    const words = formatCount(prediction.spans.length, "place");
    return { name: "Found", words, isSure: true, score: null, scores: [], given: new Set() };
  }
  const scores = Object.entries(prediction.scores).sort(([, a], [, b]) => b - a);
  if ("labels" in prediction) {
    const given = new Set(prediction.labels);
    const words = prediction.labels.join(", ") || "None of the labels";
    return { name: "Labels", words, isSure: true, score: null, scores, given };
  }
  if (prediction.abstained && prediction.label_set) {
    const { label_set: labels } = prediction;
    return {
      name: "Label",
      words: oneOf(labels),
      isSure: false,
      score: null,
      scores,
      given: new Set(labels),
    };
  }
  return {
    name: "Label",
    words: prediction.label,
    isSure: true,
    score: formatPercent(prediction.score),
    scores,
    given: new Set([prediction.label]),
  };
}

const maxNamed = 4;

/** "a or b"; of many labels the likeliest. */
function oneOf(labels: string[]): string {
  const named = labels.slice(0, maxNamed).join(" or ");
  return labels.length > maxNamed
    ? `${named} or ${formatCount(labels.length - maxNamed, "other label")}`
    : named;
}

/** The labels that a prediction gives, to be counted; none of numbers. */
export function labelsOf(prediction: Prediction): string[] {
  if ("value" in prediction) return [];
  if ("spans" in prediction) return prediction.spans.map(({ label }) => label);
  if ("labels" in prediction) return prediction.labels;
  return prediction.abstained ? ["not sure"] : [prediction.label];
}

export function textOf(input: PredictInput): string {
  return typeof input === "string" ? input : `${input.text} / ${input.pair}`;
}
