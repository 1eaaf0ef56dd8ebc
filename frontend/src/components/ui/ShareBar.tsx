/** A share between 0 and 1 as a bar with its name and figure; read out as one phrase. */

import { Group, Progress, Text } from "@mantine/core";

import { formatPercent } from "@/lib/format";

interface Props {
  name: string;
  share: number;
  note?: string;
  color?: string;
  strong?: boolean;
}

export function ShareBar({ name, share, note, color, strong = false }: Props) {
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Text size="sm" fw={strong ? 700 : 400} truncate title={name}>
          {name}
          {note && (
            <Text span size="xs" c="dimmed" ml={6}>
              {note}
            </Text>
          )}
        </Text>
        <Text size="sm" fw={strong ? 700 : 400} style={{ fontVariantNumeric: "tabular-nums" }}>
          {formatPercent(share)}
        </Text>
      </Group>
      <Progress value={share * 100} {...(color && { color })} size="sm" mt={3} aria-hidden />
    </div>
  );
}
