/** What a smaller rank would cost: how good the adapter is when it is cut, and how small. */

import { Table, Text } from "@mantine/core";

import { formatBytes, formatPercent } from "@/lib/format";

import { type RankPoint, signedPoints } from "../report";
import { ListTable } from "@/components/ui/ListTable";

export function RankTable({ points }: { points: RankPoint[] }) {
  return (
    <>
      <Text size="sm" mb="xs">
        The trained adapter, cut to fewer ranks and trained no further; the last line is the adapter as it is.
      </Text>
      <ListTable
        minWidth={400}
        verticalSpacing={6}
        columns={[
          "Rank",
          { name: "Size", isNumber: true },
          { name: "Accuracy", isNumber: true },
          { name: "Difference in points (95% interval)", isNumber: true },
        ]}
      >
        {points.map((point) => (
          <Table.Tr key={point.rank}>
            <Table.Th scope="row" fw={500}>
              {point.rank}
            </Table.Th>
            <Table.Td ta="right">{formatBytes(point.adapter_bytes)}</Table.Td>
            <Table.Td ta="right">{formatPercent(point.accuracy)}</Table.Td>
            <Table.Td ta="right">
              {signedPoints(point.delta_points)} ({signedPoints(point.delta_points_ci95[0])} to{" "}
              {signedPoints(point.delta_points_ci95[1])})
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </>
  );
}
