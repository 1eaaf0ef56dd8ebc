/** A task's trainings, newest first. */

import { Anchor, Table, Text } from "@mantine/core";
import { Link } from "react-router";

import { formatAgo, formatDuration } from "@/lib/format";
import type { Training } from "@/lib/types";
import { formatFigure, validationTitle } from "@/lib/figures";

import { TrainingStateBadge } from "./TrainingStateBadge";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  trainings: Training[];
  hrefOf: (training: Training) => string;
}

export function TrainingTable({ trainings, hrefOf }: Props) {
  return (
    <ListTable
      minWidth={520}
      columns={[
        "Started",
        "State",
        { name: validationTitle(trainings[0]?.validation_metric ?? "accuracy"), isNumber: true },
        { name: "Took", isNumber: true },
        "Made",
      ]}
    >
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
              : formatFigure(training.validation_metric, training.validation_accuracy)}
          </Table.Td>
          <Table.Td ta="right">{duration(training)}</Table.Td>
          <Table.Td>
            {training.version === null ? <Text c="dimmed">–</Text> : `Version ${training.version}`}
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function duration({ started_at, finished_at }: Training): string {
  if (started_at === null || finished_at === null) return "–";
  return formatDuration((Date.parse(finished_at) - Date.parse(started_at)) / 1000);
}
