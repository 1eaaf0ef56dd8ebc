/** Points of a curve from a training's history. */

import type { TrainingEvent } from "@/lib/types";

export interface CurvePoint {
  step: number;
  value: number;
}

/**
 * The values of one figure by step, in order. A training that was interrupted repeats steps from its last checkpoint:
 * the later value stands.
 */
export function curvePoints(events: TrainingEvent[], figure: "loss" | "validation_accuracy"): CurvePoint[] {
  const values = new Map<number, number>();
  for (const event of [...events].sort((a, b) => a.seq - b.seq)) {
    const value = event[figure];
    if (event.phase === "training" && value !== null) values.set(event.step, value);
  }
  return [...values].map(([step, value]) => ({ step, value })).sort((a, b) => a.step - b.step);
}
