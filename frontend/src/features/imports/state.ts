/** An import's states in words. */

import type { AdapterImport } from "@/lib/types";

/** Whether the import still waits or works. */
export function isUnderWay({ state }: AdapterImport): boolean {
  return state === "queued" || state === "running";
}

/** What is to be said of it in a word, with the colour that goes with it. */
export function stateWords({ state, passed }: AdapterImport): { label: string; color: string } {
  if (state === "succeeded" && passed === false) return { label: "Not passed", color: "yellow" };
  return {
    queued: { label: "Waiting", color: "blue" },
    running: { label: "Being checked", color: "blue" },
    paused: { label: "Paused", color: "gray" },
    succeeded: { label: "Passed", color: "teal" },
    failed: { label: "Refused", color: "red" },
    cancelled: { label: "Cancelled", color: "gray" },
  }[state];
}
