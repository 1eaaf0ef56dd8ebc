/** How much of a text a PLOT answers at each rung, as one bar of three pieces; read out as one phrase. */

import { Box, Group, Progress, Text } from "@mantine/core";

import { BarTitle } from "@/components/ui/BarTitle";
import { formatPercent } from "@/lib/format";
import { type Rungs, rungPieces } from "@/lib/rungs";

interface Props {
  name: string;
  rungs: Rungs;
  note?: string;
}

export function RungBar({ name, rungs, note }: Props) {
  const pieces = rungPieces(rungs);
  return (
    <div>
      <BarTitle name={name} share={rungs.trigram + rungs.bigram} note={note} />
      <Progress.Root size="sm" mt={3} aria-hidden>
        {pieces.map(({ rung, share, color }) => (
          <Progress.Section key={rung} value={share * 100} color={color} />
        ))}
      </Progress.Root>
      <Text size="xs" c="dimmed" mt={2}>
        {pieces.map(({ words, share }) => `${words.toLowerCase()} ${formatPercent(share, 0)}`).join(" · ")}
      </Text>
    </div>
  );
}

/** Which color is which rung. */
export function RungLegend() {
  return (
    <Group gap="md" aria-hidden>
      {rungPieces({ trigram: 0, bigram: 0, unigram: 0 }).map(({ rung, words, color }) => (
        <Group key={rung} gap={6}>
          <Box w={10} h={10} bg={color} style={{ borderRadius: 2 }} />
          <Text size="xs" c="dimmed">
            {words}
          </Text>
        </Group>
      ))}
    </Group>
  );
}
