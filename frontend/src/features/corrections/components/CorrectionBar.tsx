/** What was decided so far, staying in view: to be taken back, or learnt from. */

import { Button, Group, Paper, Stack, Text } from "@mantine/core";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import type { Correction } from "@/lib/types";

import { correctionsInWords } from "../corrections";

interface Props {
  corrections: Correction[];
  error: Error | null;
  isPending: boolean;
  onClear: () => void;
  onRetrain: () => void;
}

export function CorrectionBar({ corrections, error, isPending, onClear, onRetrain }: Props) {
  return (
    <div role="status" style={{ position: "sticky", bottom: 8, zIndex: 10 }} className="not-printed">
      {corrections.length > 0 && (
        <Paper withBorder p="sm" radius="md" shadow="md">
          <Stack gap="xs">
            {error && <ErrorNotice error={error} title="No training was started" />}
            <Group justify="space-between" gap="xs">
              <div>
                <Text size="sm" fw={600}>
                  {correctionsInWords(corrections)}
                </Text>
                <Text size="xs" c="dimmed">
                  {isPending
                    ? "Making the data's next version, then the training starts …"
                    : "They make the data's next version; the old one stays."}
                </Text>
              </div>
              <Group gap="xs">
                <Button variant="default" size="sm" disabled={isPending} onClick={onClear}>
                  Undo all
                </Button>
                <Button size="sm" loading={isPending} onClick={onRetrain}>
                  Retrain with the corrections
                </Button>
              </Group>
            </Group>
          </Stack>
        </Paper>
      )}
    </div>
  );
}
