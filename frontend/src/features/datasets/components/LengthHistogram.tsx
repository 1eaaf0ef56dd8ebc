/** How long the texts are. */

import { Stack, Text } from "@mantine/core";

import { ShareBar } from "@/components/ui/ShareBar";
import { formatCount, formatNumber } from "@/lib/format";
import type { DatasetReport } from "@/lib/types";

type Bucket = DatasetReport["lengths"][number];

export function LengthHistogram({ report }: { report: DatasetReport }) {
  const { lengths, num_rows_kept, num_chars, longest_chars } = report;
  if (num_rows_kept === 0) return <Text size="sm">No rows are kept yet.</Text>;
  const last = lengths.findLastIndex(({ num_rows }) => num_rows > 0);
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed">
        {formatCount(Math.round(num_chars / num_rows_kept), "character")} on average, the longest has{" "}
        {formatNumber(longest_chars)}.
      </Text>
      <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
        {lengths.slice(0, last + 1).map((bucket) => (
          <li key={bucket.from_chars}>
            <ShareBar
              name={inWords(bucket)}
              share={bucket.num_rows / num_rows_kept}
              note={formatCount(bucket.num_rows, "row")}
            />
          </li>
        ))}
      </Stack>
    </Stack>
  );
}

function inWords({ from_chars, below_chars }: Bucket): string {
  if (below_chars === null) return `${formatNumber(from_chars)} characters and more`;
  return `${formatNumber(from_chars)} to ${formatNumber(below_chars - 1)} characters`;
}
