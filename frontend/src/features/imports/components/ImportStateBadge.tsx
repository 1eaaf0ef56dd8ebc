/** An import's state in a word. */

import { Badge } from "@mantine/core";

import type { AdapterImport } from "@/lib/types";

import { stateWords } from "../state";

export function ImportStateBadge({ brought }: { brought: AdapterImport }) {
  const { label, color } = stateWords(brought);
  return (
    <Badge color={color} variant="light" tt="none" miw="max-content">
      {label}
    </Badge>
  );
}
