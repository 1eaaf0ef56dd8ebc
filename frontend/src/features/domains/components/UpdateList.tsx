/** Updates of a domain: their state, and what the gate said of each task that was tried. */

import { Alert, Badge, Group, Stack, Table, Text } from "@mantine/core";

import { figureTitle, formatFigure } from "@/lib/figures";
import { formatDate, formatPercent } from "@/lib/format";
import type { DomainUpdate, TaskVerdict } from "@/lib/types";
import { ListTable } from "@/components/ui/ListTable";

const states: Record<DomainUpdate["state"], { label: string; color: string }> = {
  queued: { label: "Waiting", color: "blue" },
  running: { label: "Running", color: "blue" },
  succeeded: { label: "Done", color: "teal" },
  failed: { label: "Failed", color: "red" },
  cancelled: { label: "Cancelled", color: "gray" },
  paused: { label: "Paused", color: "gray" },
};

const notTried = "not tried";

interface Props {
  updates: DomainUpdate[];
  taskNameOf: (taskId: string) => string;
}

export function UpdateList({ updates, taskNameOf }: Props) {
  return (
    <Stack component="ul" gap="md" p={0} m={0} style={{ listStyle: "none" }}>
      {updates.map((update) => (
        <li key={update.id}>
          <Group gap="xs">
            <Badge color={states[update.state].color} variant="light" tt="none">
              {states[update.state].label}
            </Badge>
            <Text size="sm" c="dimmed">
              {formatDate(update.created_at)}
              {update.brings_back && " · back to the tree before"}
              {update.message && ` · ${update.message}`}
            </Text>
          </Group>
          {update.error && (
            <Alert color="red" variant="light" mt="xs">
              {update.error.message}
            </Alert>
          )}
          {update.verdicts && update.verdicts.length > 0 && (
            <Verdicts verdicts={update.verdicts} taskNameOf={taskNameOf} />
          )}
        </li>
      ))}
    </Stack>
  );
}

function Verdicts({ verdicts, taskNameOf }: { verdicts: TaskVerdict[] } & Pick<Props, "taskNameOf">) {
  return (
    <ListTable
      minWidth={560}
      verticalSpacing={4}
      fz="sm"
      columns={[
        "Task",
        "Verdict",
        { name: "On held-out rows", isNumber: true },
        { name: "Known in context", isNumber: true },
        { name: "Rows", isNumber: true },
      ]}
    >
      {verdicts.map((verdict) => (
        <Table.Tr key={verdict.task_id}>
          <Table.Th scope="row" fw={500}>
            {taskNameOf(verdict.task_id)}
          </Table.Th>
          <Table.Td>
            <Badge color={verdict.moves ? "teal" : "yellow"} variant="light" tt="none">
              {verdict.moves ? "Follows the new tree" : "Stays for a week at most"}
            </Badge>
          </Table.Td>
          <Table.Td ta="right">{figureChange(verdict)}</Table.Td>
          <Table.Td ta="right">
            {change(known(verdict.coverage_before), known(verdict.coverage_after), formatPercent)}
          </Table.Td>
          <Table.Td ta="right">{verdict.num_rows}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

/** The tasks of a domain may be of several kinds: each one's figure has its name. */
function figureChange({ metric, accuracy_before, accuracy_after }: TaskVerdict): string {
  if (!metric) return notTried;
  const changed = change(accuracy_before, accuracy_after, (value) => formatFigure(metric, value));
  return `${figureTitle(metric)} ${changed}`;
}

function change(before: number | null, after: number | null, format: (value: number) => string): string {
  return before === null || after === null ? notTried : `${format(before)} → ${format(after)}`;
}

function known(coverage: Record<string, number>): number | null {
  const { trigram, bigram } = coverage;
  return trigram === undefined || bigram === undefined ? null : trigram + bigram;
}
