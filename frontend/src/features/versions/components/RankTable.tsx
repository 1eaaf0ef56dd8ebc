/** What a smaller rank would cost: how good the adapter is when it is cut, and how small. */

import { Table, Text } from "@mantine/core";

import { formatBytes } from "@/lib/format";

import { formatChange, formatQuality, qualityHead, type RankPoint, type Report } from "../report";
import { ListTable } from "@/components/ui/ListTable";

export function RankTable({ report, points }: { report: Report; points: RankPoint[] }) {
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
          { name: qualityHead(report), isNumber: true },
          {
            name:
              report.kind === "score"
                ? "Change of the error (95% interval)"
                : "Difference in points (95% interval)",
            isNumber: true,
          },
        ]}
      >
        {points.map((point) => (
          <Table.Tr key={point.rank}>
            <Table.Th scope="row" fw={500}>
              {point.rank}
            </Table.Th>
            <Table.Td ta="right">{formatBytes(point.adapter_bytes)}</Table.Td>
            <Table.Td ta="right">{formatQuality(report, point.accuracy)}</Table.Td>
            <Table.Td ta="right">
              {formatChange(report, point.delta_points, point.delta_points_ci95)}
            </Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </>
  );
}
