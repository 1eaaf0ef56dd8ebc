/** Rows of the training's dataset that the report names; their texts are read from the dataset as it is now. */

import { Button, Table, Text } from "@mantine/core";
import { useState } from "react";

import { formatCount, formatPercent } from "@/lib/format";

const ROWS_AT_ONCE = 10;

export interface NamedRow {
  row: number;
  label: string;
  other: string;
  labelScore: number;
  otherScore: number;
}

interface Props {
  rows: NamedRow[];
  /** What `other` is: what the model said, or what it suggests. */
  otherTitle: string;
  /** Text by row number; rows without one show their number alone. */
  texts: ReadonlyMap<number, string>;
}

export function RowTable({ rows, otherTitle, texts }: Props) {
  const [shown, setShown] = useState(ROWS_AT_ONCE);
  return (
    <>
      <Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Row</Table.Th>
              <Table.Th>Text</Table.Th>
              <Table.Th miw={140}>Labelled</Table.Th>
              <Table.Th miw={140}>{otherTitle}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, shown).map(({ row, label, other, labelScore, otherScore }) => (
              <Table.Tr key={row}>
                <Table.Td c="dimmed">{row}</Table.Td>
                <Table.Td>
                  <Text size="sm" lineClamp={3} dir="auto" style={{ overflowWrap: "anywhere" }}>
                    {texts.get(row) ?? "–"}
                  </Text>
                </Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>
                  {label} <Score share={labelScore} />
                </Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>
                  {other} <Score share={otherScore} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {shown < rows.length && (
        <Button variant="default" size="xs" mt="xs" onClick={() => setShown(rows.length)}>
          Show {formatCount(rows.length - shown, "more row")}
        </Button>
      )}
    </>
  );
}

function Score({ share }: { share: number }) {
  return (
    <Text span size="xs" c="dimmed">
      {formatPercent(share, 0)}
    </Text>
  );
}
