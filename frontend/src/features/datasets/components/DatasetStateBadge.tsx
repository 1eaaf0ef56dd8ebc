/** Whether a dataset can be trained on. */

import { Badge } from "@mantine/core";

import type { Dataset } from "@/lib/types";

const faces = {
  checking: { color: "blue", words: "Being examined" },
  ready: { color: "teal", words: "Ready" },
  blocked: { color: "red", words: "Needs fixing" },
} as const;

export function DatasetStateBadge({ dataset }: { dataset: Dataset }) {
  const { color, words } = faces[dataset.state];
  return (
    <Badge variant="light" color={color} tt="none">
      {words}
    </Badge>
  );
}
