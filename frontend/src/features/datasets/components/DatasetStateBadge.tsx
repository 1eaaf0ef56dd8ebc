/** Whether a dataset can be trained on. */

import { Badge } from "@mantine/core";

import type { Dataset } from "@/lib/types";

const faces = {
  checking: { color: "blue", words: "Being examined" },
  ready: { color: "teal", words: "Ready" },
  blocked: { color: "red", words: "Needs fixing" },
} as const;

interface Props {
  dataset: Dataset;
  /** The version in which what had to be fixed was. */
  fixedIn?: number | undefined;
}

export function DatasetStateBadge({ dataset, fixedIn }: Props) {
  const isFixed = dataset.state === "blocked" && fixedIn !== undefined;
  const { color, words } = isFixed
    ? { color: "gray", words: `Fixed in version ${fixedIn}` }
    : faces[dataset.state];
  return (
    <Badge variant="light" color={color} tt="none">
      {words}
    </Badge>
  );
}
