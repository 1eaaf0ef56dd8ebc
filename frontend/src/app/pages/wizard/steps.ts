/** The steps from a file to an answering model. */

import type { Task } from "@/lib/types";

export const stepNames = ["Data", "Name and domain", "Train", "Deploy", "Try"] as const;

/** Where a task that exists stands. */
export function stepOf({ latest_version, deployment }: Task): number {
  if (deployment) return 4;
  return latest_version ? 3 : 2;
}
