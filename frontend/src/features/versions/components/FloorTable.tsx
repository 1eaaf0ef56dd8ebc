/** What a coverage floor would bring: how many texts it would have computed, how good and how fast that is. */

import { Table, Text } from "@mantine/core";

import { formatPercent } from "@/lib/format";

import { type FloorPoint, formatChange, formatQuality, qualityHead, type Report } from "../report";
import { ListTable } from "@/components/ui/ListTable";

export function FloorTable({ report, points }: { report: Report; points: FloorPoint[] }) {
  return (
    <>
      <Text size="sm" mb="xs">
        Texts of which PLOT knows a smaller share in their context have their lower layers computed. The
        task's settings have the floor; 0% computes none. Of other texts as many as stands behind “at most”
        may be computed (95% confidence).
      </Text>
      <ListTable
        minWidth={400}
        verticalSpacing={6}
        columns={[
          "Floor",
          { name: "Computed", isNumber: true },
          { name: qualityHead(report), isNumber: true },
          {
            name:
              report.kind === "score"
                ? "Change of the error (95% interval)"
                : "Gain in points (95% interval)",
            isNumber: true,
          },
          { name: "Time per text", isNumber: true },
        ]}
      >
        {points.map((point) => (
          <Table.Tr key={point.floor}>
            <Table.Th scope="row" fw={500}>
              {formatPercent(point.floor)}
            </Table.Th>
            <Table.Td ta="right">{computedWords(point)}</Table.Td>
            <Table.Td ta="right">{formatQuality(report, point.accuracy)}</Table.Td>
            <Table.Td ta="right">{formatChange(report, point.gain_points, point.gain_points_ci95)}</Table.Td>
            <Table.Td ta="right">{point.text_ms.toFixed(1)} ms</Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </>
  );
}

function computedWords({ computed_share, max_computed_share }: FloorPoint): string {
  const share = formatPercent(computed_share);
  return max_computed_share ? `${share}, at most ${formatPercent(max_computed_share)}` : share;
}
