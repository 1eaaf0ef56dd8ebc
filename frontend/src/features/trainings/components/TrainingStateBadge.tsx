/** A training's state in a word. */

import { Badge } from "@mantine/core";

import type { Training } from "@/lib/types";

import { stateWords } from "../state";

export function TrainingStateBadge({ training }: { training: Training }) {
  const { label, color } = stateWords[training.state];
  return (
    <Badge color={color} variant="light" tt="none" miw="max-content">
      {label}
    </Badge>
  );
}
