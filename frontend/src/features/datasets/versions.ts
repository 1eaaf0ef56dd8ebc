/** Which versions of an upload a later one has taken the place of. */

import type { Dataset } from "@/lib/types";

/** The number of the newest version of the same upload among `datasets`. */
export function newestVersionOf({ series }: Dataset, datasets: Dataset[]): number {
  return Math.max(...datasets.filter((other) => other.series === series).map(({ version }) => version));
}

/** Whether something in the file has to be fixed, and nobody has yet: a fix makes the next version. */
export function isToBeFixed(dataset: Dataset, datasets: Dataset[]): boolean {
  return dataset.state === "blocked" && dataset.version === newestVersionOf(dataset, datasets);
}
