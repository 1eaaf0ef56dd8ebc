/** How many rows each label has; of numbers, from where to where they go. */

import { Stack, Text } from "@mantine/core";

import { ShareBar } from "@/components/ui/ShareBar";
import { formatCount, formatValue } from "@/lib/format";
import type { DatasetDetail } from "@/lib/types";

export function LabelCounts({ dataset }: { dataset: DatasetDetail }) {
  const values = dataset.report?.values;
  if (values) {
    return (
      <Text size="sm">
        From {formatValue(values.least)} to {formatValue(values.most)}, {formatValue(values.mean)} on average.
      </Text>
    );
  }
  return (
    <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
      {dataset.labels.map(({ label, num_rows }) => (
        <li key={label}>
          <ShareBar name={label} share={num_rows / dataset.num_rows} note={formatCount(num_rows, "row")} />
        </li>
      ))}
    </Stack>
  );
}
