/** A value for each day as a row of bars; read out as one sentence, each bar tells its day on hovering. */

import { Group, Text } from "@mantine/core";

import { formatDay, formatNumber } from "@/lib/format";

import classes from "./DayBars.module.css";

interface Props {
  /** What the bars are, for instance "Texts answered". */
  name: string;
  values: { day: string; value: number }[];
  height?: number;
  format?: (value: number) => string;
}

export function DayBars({ name, values, height = 96, format = formatNumber }: Props) {
  const [first] = values;
  const last = values.at(-1);
  if (!first || !last) return null;
  const largest = Math.max(...values.map(({ value }) => value));
  const peak = values.find(({ value }) => value === largest);
  const told =
    largest > 0 && peak
      ? `${name}, ${formatDay(first.day)} to ${formatDay(last.day)}: at most ${format(largest)}, on ${formatDay(peak.day)}`
      : `${name}: none from ${formatDay(first.day)} to ${formatDay(last.day)}`;
  return (
    <figure className={classes.figure}>
      <div className={classes.bars} style={{ height }} role="img" aria-label={told}>
        {values.map(({ day, value }) => (
          <div key={day} className={classes.day} title={`${formatDay(day)}: ${format(value)}`}>
            <div
              className={classes.bar}
              data-empty={value === 0 || undefined}
              style={{ height: largest > 0 ? `${(100 * value) / largest}%` : 0 }}
            />
          </div>
        ))}
      </div>
      <Group component="figcaption" justify="space-between" aria-hidden>
        <Text size="xs" c="dimmed">
          {formatDay(first.day)}
        </Text>
        {largest > 0 && (
          <Text size="xs" c="dimmed">
            at most {format(largest)}
          </Text>
        )}
        <Text size="xs" c="dimmed">
          {formatDay(last.day)}
        </Text>
      </Group>
    </figure>
  );
}
