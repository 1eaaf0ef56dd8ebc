/** How far a file is on its way, and that the server is at it once all has arrived. */

import { Button, Group, Progress, Text } from "@mantine/core";

import { formatPercent } from "@/lib/format";

interface Props {
  /** Sent so far, of all; 1: the server is reading. */
  share: number;
  sending: string;
  reading: string;
  /** For those who hear the bar: what the server does. */
  readingAloud: string;
  onStop: () => void;
}

export function SendingProgress({ share, sending, reading, readingAloud, onStop }: Props) {
  const isReading = share >= 1;
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" mb={4}>
        <Text size="sm" truncate role="status">
          {isReading ? reading : sending}
        </Text>
        <Button size="compact-sm" variant="default" onClick={onStop}>
          Stop
        </Button>
      </Group>
      <Progress.Root>
        <Progress.Section
          value={share * 100}
          striped={isReading}
          animated={isReading}
          aria-label="Sent"
          aria-valuetext={isReading ? readingAloud : formatPercent(share, 0)}
        />
      </Progress.Root>
    </div>
  );
}
