/** A task's state in a word. */

import { Badge } from "@mantine/core";

import type { Task } from "@/lib/types";

import { taskState } from "../state";

export function TaskStateBadge({ task }: { task: Task }) {
  const { label, color } = taskState(task);
  return (
    <Badge color={color} variant="light" tt="none" miw="max-content" style={{ flexShrink: 0 }}>
      {label}
    </Badge>
  );
}
