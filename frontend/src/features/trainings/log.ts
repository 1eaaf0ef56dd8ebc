/** What a training did, line by line, from its history. */

import { phaseWords } from "@/lib/phases";
import { sentence } from "@/lib/sentence";
import type { TrainingEvent } from "@/lib/types";

export interface LogLine {
  seq: number;
  /** When it began. */
  at: string;
  words: string;
}

/** One line for all events in a row that say the same, oldest first. */
export function logLines(events: TrainingEvent[]): LogLine[] {
  const lines: LogLine[] = [];
  for (const { seq, at, phase, message } of [...events].sort((a, b) => a.seq - b.seq)) {
    const words = sentence(message || phaseWords({ state: "running", phase }));
    if (lines.at(-1)?.words !== words) lines.push({ seq, at, words });
  }
  return lines;
}
