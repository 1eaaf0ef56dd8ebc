/** What an application gets that lets the version say "not sure": at each error level what was promised and measured. */

import { Table, Text } from "@mantine/core";

import { ListTable } from "@/components/ui/ListTable";
import { formatPercent } from "@/lib/format";

import type { LabelSetFigures } from "../report";

export function LabelSets({ figures }: { figures: LabelSetFigures[] }) {
  return (
    <>
      <Text size="sm" mb="xs">
        A call may say how often an answer may be wrong. Then each answer is a set of labels, the true one
        among them as often as was promised; a set of more labels than one means “not sure”, and a person can
        look at that text.
      </Text>
      <ListTable
        minWidth={460}
        verticalSpacing={6}
        columns={[
          { name: "May be wrong", isNumber: true },
          { name: "Was wrong", isNumber: true },
          { name: "Labels in a set", isNumber: true },
          { name: "Answered with one label", isNumber: true },
          { name: "Of those right", isNumber: true },
        ]}
      >
        {figures.map((level) => (
          <Table.Tr key={level.error_level}>
            <Table.Th scope="row" fw={500} ta="right">
              {formatPercent(level.error_level, 0)}
            </Table.Th>
            <Table.Td ta="right">{formatPercent(1 - level.coverage)}</Table.Td>
            <Table.Td ta="right">{level.mean_labels.toFixed(2)}</Table.Td>
            <Table.Td ta="right">{formatPercent(level.answered_share)}</Table.Td>
            <Table.Td ta="right">
              {level.answered_accuracy === null ? "–" : formatPercent(level.answered_accuracy)}
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </>
  );
}
