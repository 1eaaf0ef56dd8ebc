/** What stands above a bar: its name with a note, and its figure. */

import { Group, Text } from "@mantine/core";

import { formatPercent } from "@/lib/format";

interface Props {
  name: string;
  /** Between 0 and 1. */
  share: number;
  note?: string | undefined;
  strong?: boolean;
}

export function BarTitle({ name, share, note, strong = false }: Props) {
  const weight = strong ? 700 : 400;
  return (
    <Group justify="space-between" wrap="nowrap" gap="sm">
      <Text size="sm" fw={weight} truncate title={name}>
        {/* A name written from the right takes no figure into its midst. */}
        <bdi>{name}</bdi>
        {note && (
          <Text span size="xs" c="dimmed" ml={6}>
            {note}
          </Text>
        )}
      </Text>
      <Text size="sm" fw={weight} style={{ fontVariantNumeric: "tabular-nums" }}>
        {formatPercent(share)}
      </Text>
    </Group>
  );
}
