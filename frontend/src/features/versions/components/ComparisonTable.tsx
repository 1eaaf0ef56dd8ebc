/** Figures of two versions side by side with their difference. */

import { Table, Text } from "@mantine/core";

import { ListTable } from "@/components/ui/ListTable";
import { useFolded } from "@/components/ui/use-folded";

import type { ComparedFigure } from "../comparison";

interface Props {
  /** What the first column names. */
  title: string;
  figures: ComparedFigure[];
  one: number;
  other: number;
}

const figuresAtOnce = 30;

export function ComparisonTable({ title, figures, one, other }: Props) {
  const { shown, more } = useFolded(figures, figuresAtOnce, title.toLowerCase());
  return (
    <>
      <ListTable
        minWidth={440}
        verticalSpacing={6}
        columns={[
          title,
          { name: `Version ${one}`, isNumber: true },
          { name: `Version ${other}`, isNumber: true },
          { name: "Difference", isNumber: true },
        ]}
      >
        {shown.map((figure) => (
          <Table.Tr key={figure.name}>
            <Table.Th scope="row" fw={500} style={{ overflowWrap: "anywhere" }}>
              {figure.name}
            </Table.Th>
            <Table.Td ta="right">{figure.one}</Table.Td>
            <Table.Td ta="right">{figure.other}</Table.Td>
            <Table.Td ta="right">
              <Difference figure={figure} />
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
      {more}
    </>
  );
}

function Difference({ figure: { difference, isBetter } }: { figure: ComparedFigure }) {
  if (isBetter === null) {
    return (
      <Text span size="sm" c="dimmed">
        {difference}
      </Text>
    );
  }
  return (
    <Text
      span
      size="sm"
      fw={600}
      c={isBetter ? "var(--mantine-color-teal-light-color)" : "var(--mantine-color-red-text)"}
    >
      {difference} <span>{isBetter ? "better" : "worse"}</span>
    </Text>
  );
}
