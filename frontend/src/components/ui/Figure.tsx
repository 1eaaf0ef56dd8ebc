/** One figure with its name and a word of explanation. */

import { Paper, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface Props {
  name: string;
  value: ReactNode;
  note?: ReactNode;
}

export function Figure({ name, value, note }: Props) {
  return (
    <Paper withBorder p="md" radius="md">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fz={{ base: 20, sm: 26 }} fw={700} lh={1.3} style={{ fontVariantNumeric: "tabular-nums" }}>
        {value}
      </Text>
      {note && (
        <Text size="xs" c="dimmed" component="div">
          {note}
        </Text>
      )}
    </Paper>
  );
}
