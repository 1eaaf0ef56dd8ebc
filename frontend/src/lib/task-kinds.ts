/** The kinds of task of the API, in words; a kind that the API gains does not compile until it has some. */

import type { Dataset, TaskKind } from "@/lib/types";
import { formatCount } from "@/lib/format";

export interface KindWords {
  title: string;
  /** When one wants it, with an example. */
  example: string;
  /** What a row of the file holds. */
  file: string;
  /** What a prediction gives, as in "it gives …". */
  gives: string;
}

/** In the order in which they are offered. */
const words: Record<TaskKind, KindWords> = {
  single_label: {
    title: "One label for each text",
    example: "Which topic is this mail about? Is this review good or bad?",
    file: "One row per example, with a column “text” and a column “label”.",
    gives: "one of your labels",
  },
  multi_label: {
    title: "Any number of labels for each text",
    example: "Which of your tags fit this article? None, one or several.",
    file: "One row per example, with a column “text” and a column “label” that holds them all, with semicolons between them.",
    gives: "all your labels that fit",
  },
  score: {
    title: "A number for each text",
    example: "How urgent is this mail, from 0 to 10? How many stars would this review give?",
    file: "One row per example, with a column “text” and a column “label” that holds the number.",
    gives: "a number on your scale",
  },
  sentence_pair: {
    title: "One label for two texts",
    example: "Does this answer fit this question? Do these two tickets tell of the same fault?",
    file: "One row per example, with two columns of text, “text” and “text2”, and a column “label”.",
    gives: "one of your labels for both together",
  },
  token_classification: {
    title: "Marked places in each text",
    example: "Where are names, dates or amounts in this letter?",
    file: "A CoNLL file (a token and its tag on each line, a blank line after each sentence), or JSON lines with “text” and “spans”, a list of start, end and label.",
    gives: "the places that it finds, each with one of your labels",
  },
};

const order = Object.keys(words) as TaskKind[];

export const kindChoices = order.map((kind) => ({ kind, ...words[kind] }));

export function wordsOf(kind: TaskKind): KindWords {
  return words[kind];
}

export function hasLabels(kind: TaskKind): boolean {
  return kind !== "score";
}

/** "400 rows, 2 labels"; of numbers the rows alone. */
export function contentsOf({ kind, num_rows, labels }: Dataset): string {
  const rows = formatCount(num_rows, "row");
  return hasLabels(kind) ? `${rows}, ${formatCount(labels.length, "label")}` : rows;
}
