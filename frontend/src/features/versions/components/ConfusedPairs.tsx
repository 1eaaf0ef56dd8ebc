/** The confusions of many labels, of which a matrix would be too large to read: pair by pair, and all as a file. */

import { Button, Group, Table, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

import { ListTable } from "@/components/ui/ListTable";
import { useFolded } from "@/components/ui/use-folded";
import { useSorted } from "@/components/ui/use-sorted";
import { downloadText } from "@/lib/download";
import { formatCount, formatNumber, formatPercent } from "@/lib/format";

import { type Confusion, confusionCsv, confusionsOf } from "../confusions";

/** Of the pairs the most frequent ones are listed, all others are in the file. */
const maxPairs = 200;
const pairsAtOnce = 15;

interface Props {
  labels: string[];
  confusion: number[][];
}

export function ConfusedPairs({ labels, confusion }: Props) {
  const all = confusionsOf(labels, confusion);
  const pairs = all.slice(0, maxPairs);
  return (
    <>
      <Text size="sm" mb="xs">
        {pairs.length === 0
          ? "No held-out row was given a wrong label."
          : `${formatCount(all.length, "pair")} of the ${formatNumber(labels.length)} labels were confused${all.length > maxPairs ? `; here are the ${maxPairs} most frequent` : ""}.`}
      </Text>
      {pairs.length > 0 && <PairTable pairs={pairs} />}
      <Group mt="sm">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconDownload size={14} aria-hidden />}
          onClick={() => downloadText("confusion-matrix.csv", confusionCsv(labels, confusion), "text/csv")}
        >
          Whole matrix as CSV
        </Button>
      </Group>
    </>
  );
}

function PairTable({ pairs }: { pairs: Confusion[] }) {
  const { sorted, sort } = useSorted(pairs, {
    truth: ({ truth }) => truth,
    predicted: ({ predicted }) => predicted,
    count: ({ count }) => count,
    share: ({ share }) => share,
  });
  const { shown, more } = useFolded(sorted, pairsAtOnce, "pair");
  return (
    <>
      <ListTable
        minWidth={400}
        verticalSpacing={6}
        columns={[
          { name: "True label", ...sort("truth") },
          { name: "Taken for", ...sort("predicted") },
          { name: "Rows", isNumber: true, ...sort("count") },
          { name: "Of the label's rows", isNumber: true, ...sort("share") },
        ]}
      >
        {shown.map(({ truth, predicted, count, share }) => (
          <Table.Tr key={`${truth}→${predicted}`}>
            <Table.Th scope="row" fw={500} style={{ overflowWrap: "anywhere" }}>
              {truth}
            </Table.Th>
            <Table.Td style={{ overflowWrap: "anywhere" }}>{predicted}</Table.Td>
            <Table.Td ta="right">{formatNumber(count)}</Table.Td>
            <Table.Td ta="right">{formatPercent(share, 0)}</Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
      {more}
    </>
  );
}
