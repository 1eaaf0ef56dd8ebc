/** How many rows each label has. */

import { Stack } from "@mantine/core";

import { ShareBar } from "@/components/ui/ShareBar";
import { formatCount } from "@/lib/format";
import type { Dataset } from "@/lib/types";

export function LabelCounts({ dataset }: { dataset: Dataset }) {
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
