/** A training's states in words. */

import type { Training } from "@/lib/types";

/** Whether the training still waits or works. */
export function isUnderWay({ state }: Training): boolean {
  return state === "queued" || state === "running";
}

/** Whether it has not ended, be it set aside. */
export function isOpen(training: Training): boolean {
  return isUnderWay(training) || training.state === "paused";
}

export const stateWords: Record<Training["state"], { label: string; color: string }> = {
  queued: { label: "Waiting", color: "blue" },
  running: { label: "Running", color: "blue" },
  paused: { label: "Paused", color: "gray" },
  succeeded: { label: "Succeeded", color: "teal" },
  failed: { label: "Failed", color: "red" },
  cancelled: { label: "Cancelled", color: "gray" },
};
