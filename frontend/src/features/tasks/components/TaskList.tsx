/** A tenant's tasks, each with its state and what it is doing. */

import { Anchor, Card, Group, Progress, SimpleGrid, Text } from "@mantine/core";
import { Link } from "react-router";

import { hasLabels } from "@/lib/task-kinds";
import { formatAgo, formatCount } from "@/lib/format";
import { phaseWords } from "@/lib/phases";
import type { Task } from "@/lib/types";

import { isBusy } from "../state";
import { TaskStateBadge } from "./TaskStateBadge";

interface Props {
  tasks: Task[];
  hrefOf: (task: Task) => string;
}

export function TaskList({ tasks, hrefOf }: Props) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} component="ul" p={0} m={0} style={{ listStyle: "none" }}>
      {tasks.map((task) => (
        <Card key={task.slug} component="li" withBorder radius="md" padding="md">
          <Group justify="space-between" wrap="nowrap" align="flex-start" gap="xs">
            <Anchor component={Link} to={hrefOf(task)} fw={600} style={{ overflowWrap: "anywhere" }}>
              {task.name}
            </Anchor>
            <TaskStateBadge task={task} />
          </Group>
          <Text size="sm" c="dimmed" mt={6}>
            {contents(task)} · domain {task.domain}
          </Text>
          <Activity task={task} />
        </Card>
      ))}
    </SimpleGrid>
  );
}

function Activity({ task }: { task: Task }) {
  const training = task.latest_training;
  if (training && isBusy(task)) {
    return (
      <div>
        <Progress
          value={training.share * 100}
          size="sm"
          mt="sm"
          animated
          aria-label="Progress of the training"
        />
        <Text size="xs" c="dimmed" mt={4}>
          {phaseWords(training)}
        </Text>
      </div>
    );
  }
  return (
    <Text size="xs" c="dimmed" mt="sm">
      {task.deployment
        ? `Deployed ${formatAgo(task.deployment.deployed_at)}`
        : `Created ${formatAgo(task.created_at)}`}
    </Text>
  );
}

function contents({ kind, labels }: Task): string {
  if (!hasLabels(kind)) return "Numbers";
  return labels.length > 0 ? formatCount(labels.length, "label") : "No labels yet";
}
