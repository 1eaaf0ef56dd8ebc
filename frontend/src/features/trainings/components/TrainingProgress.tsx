/** How far a training is: phase, bar, time left, the figures of the moment; for screen readers one polite line. */

import { Alert, Group, Paper, Progress, SimpleGrid, Stack, Text, VisuallyHidden } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";

import { Figure } from "@/components/ui/Figure";
import { formatAbout, formatDuration, formatNumber, formatPercent, formatTime } from "@/lib/format";
import { phaseWords } from "@/lib/phases";
import type { Training } from "@/lib/types";
import { formatFigure, validationTitle } from "@/lib/figures";
import { timeLimitWords } from "@/lib/time-limit";

import { isUnderWay } from "../state";
import { TrainingStateBadge } from "./TrainingStateBadge";

export function TrainingProgress({ training }: { training: Training }) {
  return (
    <Stack>
      <Paper withBorder p="md" radius="md">
        <Group justify="space-between" mb="xs">
          <Group gap="xs">
            <TrainingStateBadge training={training} />
            {isUnderWay(training) && (
              <Text fw={600}>{training.cancel_requested ? "Stopping …" : phaseWords(training)}</Text>
            )}
          </Group>
          <Text size="sm" c="dimmed">
            {timeWords(training)}
          </Text>
        </Group>
        <ShareBar training={training} />
        <Text size="sm" mt="xs" c="dimmed" mih={22}>
          {training.state !== "queued" &&
            training.message.toLowerCase() !== phaseWords(training).toLowerCase() &&
            training.message}
          {training.attempt > 1 && ` (attempt ${training.attempt}: it was interrupted and goes on)`}
        </Text>
        <VisuallyHidden role="status">
          {isUnderWay(training) ? phaseWords(training) : `Training ${training.state}`}
        </VisuallyHidden>
      </Paper>
      {training.stopped_at && (
        <Alert
          color="yellow"
          variant="light"
          icon={<IconAlertCircle aria-hidden />}
          title="It ran out of time"
        >
          It was stopped at {timeLimitWords(training.stopped_at)}, with the best so far: with more time it
          might be better.
        </Alert>
      )}
      {training.error && (
        <Alert
          color={training.state === "queued" ? "yellow" : "red"}
          variant="light"
          icon={<IconAlertCircle aria-hidden />}
          title={training.state === "queued" ? "It is tried again by itself" : "The training failed"}
          role="alert"
        >
          {training.error.message}
          {training.retry_at !== null &&
            ` It goes on from its last checkpoint at ${formatTime(training.retry_at)}.`}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        {/* Of its last phase, at the end, which says nothing of the training. */}
        {training.state !== "succeeded" && (
          <Figure
            name="Step"
            value={
              training.num_steps > 0
                ? `${formatNumber(training.step)} / ${formatNumber(training.num_steps)}`
                : "–"
            }
          />
        )}
        <Figure name="Loss" value={training.loss === null ? "–" : training.loss.toFixed(3)} />
        <Figure
          name={validationTitle(training.validation_metric)}
          value={
            training.validation_accuracy === null
              ? "–"
              : formatFigure(training.validation_metric, training.validation_accuracy)
          }
        />
        <Figure {...timeFigure(training)} />
      </SimpleGrid>
    </Stack>
  );
}

/** Of the whole training, whatever its phases are. */
function ShareBar({ training }: { training: Training }) {
  const value = training.state === "succeeded" ? 100 : Math.round(training.share * 100);
  const color = {
    queued: "cyan",
    running: "cyan",
    paused: "gray",
    succeeded: "teal",
    failed: "red",
    cancelled: "gray",
  }[training.state];
  return (
    <Progress.Root size="lg">
      <Progress.Section
        value={value}
        color={color}
        striped={training.state === "running"}
        animated={training.state === "running"}
        aria-label="Progress of the training"
      />
    </Progress.Root>
  );
}

function timeWords(training: Training): string {
  if (training.state === "running" && training.eta_s !== null)
    return `about ${formatAbout(training.eta_s)} left`;
  if (training.state === "paused") return "Goes on from its last checkpoint when you say so";
  if (training.state === "cancelled") return "Nothing was made of it";
  if (training.state === "queued" && training.retry_at === null)
    return "Starts by itself, after those before it";
  return "";
}

/** How long it takes still or took; of one that stands still, how much of it is done. */
function timeFigure(training: Training): { name: string; value: string } {
  if (training.state === "paused") return { name: "Done", value: formatPercent(training.share, 0) };
  if (!isUnderWay(training)) return { name: "Took", value: took(training) };
  return { name: "Time left", value: training.eta_s === null ? "–" : formatAbout(training.eta_s) };
}

function took({ started_at, finished_at }: Training): string {
  if (started_at === null || finished_at === null) return "–";
  return formatDuration((Date.parse(finished_at) - Date.parse(started_at)) / 1000);
}
