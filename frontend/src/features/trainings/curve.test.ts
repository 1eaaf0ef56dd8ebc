import { expect, it } from "vitest";

import type { TrainingEvent } from "@/lib/types";

import { curvePoints } from "./curve";

function event(seq: number, step: number, loss: number | null, phase = "training"): TrainingEvent {
  return {
    seq,
    step,
    loss,
    phase,
    at: "2026-01-05T10:00:00Z",
    num_steps: 9,
    validation_accuracy: null,
    message: "",
  };
}

it("keeps the later value of a step that was repeated after an interruption", () => {
  const events = [event(3, 2, 0.4), event(1, 1, 0.9), event(2, 2, 0.5), event(4, 3, null), event(5, 3, 0.3)];

  expect(curvePoints(events, "loss")).toEqual([
    { step: 1, value: 0.9 },
    { step: 2, value: 0.4 },
    { step: 3, value: 0.3 },
  ]);
});

it("leaves out what is not the training itself", () => {
  expect(curvePoints([event(1, 1, 0.9, "evaluating")], "loss")).toEqual([]);
});
