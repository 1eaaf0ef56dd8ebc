/** A task's trainings, newest first. */

import { Anchor, Table, Text } from "@mantine/core";
import { Link } from "react-router";

import { formatAgo, formatDuration } from "@/lib/format";
import type { Training } from "@/lib/types";
import { formatMetric, metricName } from "@/lib/validation-metrics";

import { TrainingStateBadge } from "./TrainingStateBadge";

interface Props {
  trainings: Training[];
  hrefOf: (training: Training) => string;
}

export function TrainingTable({ trainings, hrefOf }: Props) {
  return (
    <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Started</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th ta="right">{metricName(trainings[0]?.validation_metric ?? "accuracy")}</Table.Th>
            <Table.Th ta="right">Took</Table.Th>
            <Table.Th>Made</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {trainings.map((training) => (
            <Table.Tr key={training.id}>
              <Table.Td>
                <Anchor component={Link} size="sm" to={hrefOf(training)}>
                  {formatAgo(training.created_at)}
                </Anchor>
              </Table.Td>
              <Table.Td>
                <TrainingStateBadge training={training} />
              </Table.Td>
              <Table.Td ta="right">
                {training.validation_accuracy === null
                  ? "–"
                  : formatMetric(training.validation_metric, training.validation_accuracy)}
              </Table.Td>
              <Table.Td ta="right">{duration(training)}</Table.Td>
              <Table.Td>
                {training.version === null ? <Text c="dimmed">–</Text> : `Version ${training.version}`}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function duration({ started_at, finished_at }: Training): string {
  if (started_at === null || finished_at === null) return "–";
  return formatDuration((Date.parse(finished_at) - Date.parse(started_at)) / 1000);
}
