/** Whether live texts still are like those that the version was tested on: known share, scores, answers. */

import { Alert, Badge, Group, List, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { ShareBar } from "@/components/ui/ShareBar";
import { formatAgo, formatCount, formatNumber, formatPercent, formatValue } from "@/lib/format";
import type { CountsDrift, Drift } from "@/lib/types";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  drift: Drift;
  /** Of the version, in the order of its answers' counts. */
  labels: string[];
  /** What can be done against it. */
  remedies: ReactNode;
}

export function DriftReport({ drift, labels, remedies }: Props) {
  const { num_texts, min_texts, is_enough, coverage, scores } = drift;
  const alarms = alarmsOf(drift);
  if (num_texts === 0 && alarms.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No texts yet. From {formatNumber(min_texts)} on they are compared with the held-out rows of the
        report.
      </Text>
    );
  }
  return (
    <Stack>
      {alarms.length > 0 ? (
        <Alert
          color="red"
          variant="light"
          role="alert"
          icon={<IconAlertTriangle aria-hidden />}
          title="Your texts have changed"
        >
          <Stack gap="sm">
            <List size="sm">
              {alarms.map(({ words, since }) => (
                <List.Item key={words}>
                  {words} {since !== null && `Noticed ${formatAgo(since)}.`}
                </List.Item>
              ))}
            </List>
            <Text size="sm">The version may be less accurate than its report says.</Text>
            {remedies}
          </Stack>
        </Alert>
      ) : (
        <Text size="sm" role="status">
          {is_enough
            ? `${formatCount(num_texts, "text")}, much like those that it was tested on.`
            : `${formatCount(num_texts, "text")} so far: from ${formatNumber(min_texts)} on a change would be told here.`}
        </Text>
      )}
      <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg">
        {coverage && (
          <Part title="Known in context" isAlarm={coverage.is_alarm}>
            <ShareBar name="When tested" share={coverage.training} color="gray.6" />
            <ShareBar name="Now" share={coverage.live} color={coverage.is_alarm ? "red.6" : "teal.6"} />
            <Text size="xs" c="dimmed">
              Alarm when it has fallen by more than {Math.round(coverage.threshold * 100)} points.
            </Text>
          </Part>
        )}
        {drift.labels && (
          <Part title="Answers" isAlarm={drift.labels.is_alarm}>
            <Shares
              name="Label"
              counts={drift.labels}
              isEnough={is_enough}
              nameOf={(place) => labels[place] ?? `Label ${place + 1}`}
            />
          </Part>
        )}
        {scores && (
          <Part title={isOfValues(scores) ? "Values" : "How sure it is"} isAlarm={scores.is_alarm}>
            <Shares
              name={isOfValues(scores) ? "Value" : "Score"}
              counts={scores}
              isEnough={is_enough}
              nameOf={(place) => bucketName(place, scores)}
            />
          </Part>
        )}
      </SimpleGrid>
    </Stack>
  );
}

function Part({ title, isAlarm, children }: { title: string; isAlarm: boolean; children: ReactNode }) {
  return (
    <Stack gap="xs" miw={0}>
      <Group gap="xs">
        <Title order={3} size="h6">
          {title}
        </Title>
        {isAlarm && (
          <Badge color="red" variant="light" tt="none">
            Changed
          </Badge>
        )}
      </Group>
      {children}
    </Stack>
  );
}

interface SharesProps {
  name: string;
  counts: CountsDrift;
  /** There are enough texts to say how far apart they are. */
  isEnough: boolean;
  nameOf: (place: number) => string;
}

/** Buckets of which neither then nor now had a text are left out. */
function Shares({ name, counts, isEnough, nameOf }: SharesProps) {
  const rows = counts.training
    .map((training, place) => ({ name: nameOf(place), training, live: counts.live[place] ?? 0 }))
    .filter(({ training, live }) => training > 0 || live > 0);
  return (
    <>
      <ListTable
        minWidth={220}
        maxHeight={460}
        verticalSpacing={2}
        fz="sm"
        columns={[
          name,
          { name: "When tested", isNumber: true, width: 100 },
          { name: "Now", isNumber: true, width: 100 },
        ]}
      >
        {rows.map((row) => (
          <Table.Tr key={row.name}>
            <Table.Th scope="row" fw={400} style={{ overflowWrap: "break-word" }}>
              {row.name}
            </Table.Th>
            <Bar share={row.training} color="cyan" />
            <Bar share={row.live} color={counts.is_alarm ? "red" : "teal"} />
          </Table.Tr>
        ))}
      </ListTable>
      {isEnough && (
        <Text size="xs" c="dimmed">
          How far the columns are apart (stability index): {counts.stability_index.toFixed(2)}; alarm above{" "}
          {counts.threshold.toFixed(2)}.
        </Text>
      )}
    </>
  );
}

/** A cell whose ground is a bar as long as the share. */
function Bar({ share, color }: { share: number; color: string }) {
  const ground = `var(--mantine-color-${color}-light)`;
  const end = `${(100 * share).toFixed(1)}%`;
  return (
    <Table.Td
      ta="right"
      style={{ backgroundImage: `linear-gradient(to right, ${ground} ${end}, transparent ${end})` }}
    >
      {formatPercent(share, 0)}
    </Table.Td>
  );
}

/** A task that predicts a score counts the values that it predicts. */
function isOfValues({ bounds }: CountsDrift): boolean {
  return bounds.length > 0;
}

function bucketName(place: number, counts: CountsDrift): string {
  return isOfValues(counts) ? valueRange(place, counts.bounds) : scoreRange(place, counts.live.length);
}

function valueRange(place: number, bounds: number[]): string {
  const [from, to] = [bounds[place - 1], bounds[place]];
  if (to === undefined) return `${formatValue(from ?? 0)} and above`;
  return from === undefined ? `below ${formatValue(to)}` : `${formatValue(from)} to ${formatValue(to)}`;
}

function scoreRange(place: number, numBuckets: number): string {
  return `${formatPercent(place / numBuckets, 0)} to ${formatPercent((place + 1) / numBuckets, 0)}`;
}

const alarmWords = {
  coverage: "PLOT knows less of them than of the texts it was tested on.",
  labels: "The answers are distributed otherwise.",
  scores: "It is less or more sure than it was.",
  values: "The values that it predicts are distributed otherwise.",
};

/** What alarms in these days, and what stands since before (for a day at least), with the time when it was noticed. */
function alarmsOf(drift: Drift) {
  return (["coverage", "labels", "scores"] as const).flatMap((part) => {
    const standing = drift.alarms.find((alarm) => alarm.part === part);
    const alarms = standing !== undefined || drift[part]?.is_alarm;
    const name = part === "scores" && drift.scores && isOfValues(drift.scores) ? "values" : part;
    return alarms ? [{ words: alarmWords[name], since: standing?.since ?? null }] : [];
  });
}
