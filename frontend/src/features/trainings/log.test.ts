import { expect, it } from "vitest";

import type { TrainingEvent } from "@/lib/types";

import { logLines } from "./log";

const event = (seq: number, phase: string, message: string): TrainingEvent => ({
  seq,
  at: `2026-01-05T10:00:0${seq}Z`,
  phase,
  step: seq,
  num_steps: 9,
  loss: null,
  validation_accuracy: null,
  message,
});

it("says once what several events say, when it began, in their order", () => {
  const lines = logLines([
    event(4, "training", "step 1 of 2: accuracy 0.910 on the validation rows"),
    event(1, "splitting", "splitting the rows"),
    event(2, "splitting", "splitting the rows"),
    event(3, "training", ""),
    event(5, "training", ""),
  ]);

  expect(lines.map(({ at, words }) => [at.slice(17, 19), words])).toEqual([
    ["01", "Splitting the rows."],
    ["03", "Training the adapter."],
    ["04", "Step 1 of 2: accuracy 0.910 on the validation rows."],
    ["05", "Training the adapter."],
  ]);
});
