/** What a tenant's people should look at, the gravest first. */

import { isToBeFixed } from "@/features/datasets/versions";
import { limitsOf } from "@/features/usage/allowance";
import { formatDate } from "@/lib/format";
import type { Allowance, Dataset, Task } from "@/lib/types";

import { paths } from "@/app/paths";

export interface Attention {
  color: "red" | "yellow" | "blue";
  title: string;
  words: string;
  /** Where it is dealt with, and the words of the link there. */
  to: string;
  action: string;
}

interface Known {
  tasks: Task[];
  datasets: Dataset[];
  /** Absent until it has been told. */
  allowance: Allowance | undefined;
}

export function attentionFor(tenant: string, { tasks, datasets, allowance }: Known): Attention[] {
  const found = [
    ...(allowance ? forAllowance(tenant, allowance) : []),
    ...tasks.flatMap((task) => forTask(tenant, task)),
    ...datasets
      .filter((dataset) => isToBeFixed(dataset, datasets))
      .map((dataset) => forDataset(tenant, dataset)),
  ];
  const gravity = ["red", "yellow", "blue"];
  return found.sort((a, b) => gravity.indexOf(a.color) - gravity.indexOf(b.color));
}

/** What is used up, or nearly: past it calls or uploads are refused. */
function forAllowance(tenant: string, allowance: Allowance): Attention[] {
  return limitsOf(allowance).flatMap(({ title, used, most, share, warning }) =>
    warning === null
      ? []
      : [
          {
            color: share >= 1 ? "red" : "yellow",
            title: `${title}: ${used} of ${most}`,
            words: warning,
            to: paths.usage(tenant),
            action: "See usage",
          },
        ],
  );
}

function forTask(tenant: string, task: Task): Attention[] {
  return [...driftOf(tenant, task), ...holdOf(tenant, task), ...stepOf(tenant, task)];
}

/** Live texts that are unlike those that the serving version was tested on. */
function driftOf(tenant: string, { name, slug, drift_alarms }: Task): Attention[] {
  if (drift_alarms.length === 0) return [];
  return [
    {
      color: "red",
      title: `The texts that ${name} gets have changed`,
      words: "It may be less accurate than its report says.",
      to: paths.task(tenant, slug),
      action: "See how",
    },
  ];
}

/** What serves will move to a newer tree of its domain by itself, whatever that does to it. */
function holdOf(tenant: string, { name, slug, hold }: Task): Attention[] {
  if (hold === null || hold.reason === "brought_back") return [];
  return [
    {
      color: "yellow",
      title: `${name} stays on an older tree until ${formatDate(hold.until)}`,
      words:
        hold.reason === "loses"
          ? "The newest one answers its held-out rows worse."
          : "The newest one could not be tried on it.",
      to: paths.task(tenant, slug),
      action: "See what to do",
    },
  ];
}

/** The next step, or what keeps it from being made. */
function stepOf(tenant: string, task: Task): Attention[] {
  const { name, slug, latest_training: training, latest_version: version, deployment } = task;
  if (training?.state === "failed") {
    return [
      {
        color: "red",
        title: `The training of ${name} failed`,
        words: deployment ? "What served before goes on serving." : "Nothing serves yet.",
        to: paths.training(tenant, slug, training.id),
        action: "See why",
      },
    ];
  }
  if (training?.state === "queued" || training?.state === "running") return [];
  if (training?.state === "paused") {
    return [
      {
        color: "blue",
        title: `The training of ${name} is paused`,
        words: "It goes on from its last checkpoint when you say so.",
        to: paths.training(tenant, slug, training.id),
        action: "Go on",
      },
    ];
  }
  if (version && !deployment) {
    return [
      {
        color: "yellow",
        title: `${name} is trained, but does not serve`,
        words: `Read the report of version ${version.number}, then deploy it.`,
        to: paths.setUpTask(tenant, slug),
        action: "Deploy",
      },
    ];
  }
  if (version && deployment && version.number > deployment.version) {
    return [
      {
        color: "blue",
        title: `${name} has a newer version than the one that serves`,
        words: `Version ${version.number} is ready, version ${deployment.version} serves.`,
        to: paths.compare(tenant, slug, deployment.version, version.number),
        action: "Compare them",
      },
    ];
  }
  if (!training && !version) {
    return [
      {
        color: "blue",
        title: `${name} has not been trained`,
        words: "Give it examples and start a training.",
        to: paths.setUpTask(tenant, slug),
        action: "Go on",
      },
    ];
  }
  return [];
}

function forDataset(tenant: string, { id, name }: Dataset): Attention {
  return {
    color: "yellow",
    title: `${name} is not ready to train on`,
    words: "Something in the file has to be fixed first; most fixes are one click.",
    to: paths.dataset(tenant, id),
    action: "Fix it",
  };
}
