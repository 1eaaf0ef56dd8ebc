/** What a task is doing and what its owner would do next. */

import type { Task } from "@/lib/types";

/** Whether a training of the task is waiting or under way. */
export function isBusy(task: Task): boolean {
  const state = task.latest_training?.state;
  return state === "queued" || state === "running";
}

/** Whether a training of the task has not ended, be it set aside: only one at a time may be so. */
export function hasOpenTraining(task: Task): boolean {
  return isBusy(task) || task.latest_training?.state === "paused";
}

export interface TaskState {
  label: string;
  color: string;
}

/** One word for the list: serving comes first, since that is what applications depend on. */
export function taskState(task: Task): TaskState {
  if (task.deployment) return { label: `Serving version ${task.deployment.version}`, color: "teal" };
  switch (task.latest_training?.state) {
    case undefined:
      return { label: "Needs data", color: "gray" };
    case "queued":
      return { label: "Waiting to train", color: "blue" };
    case "running":
      return { label: "Training", color: "blue" };
    case "paused":
      return { label: "Training paused", color: "gray" };
    case "succeeded":
      return { label: "Ready to deploy", color: "violet" };
    case "failed":
      return { label: "Training failed", color: "red" };
    case "cancelled":
      return { label: "Training cancelled", color: "gray" };
  }
}
