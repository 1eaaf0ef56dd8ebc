/** Rows of the training's dataset that the report names, to be judged; texts are read from the dataset as it is now. */

import { Button, Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useId, useState } from "react";

import { formatCount, formatPercent } from "@/lib/format";

import type { JudgedRow } from "../report";
import { type Decisions, RowDecision } from "./RowDecision";
import classes from "./RowList.module.css";

const rowsAtOnce = 10;

interface Props {
  rows: JudgedRow[];
  /** What `other` is: what the model said, or what it suggests. */
  otherTitle: string;
  /** Text by row number; rows without one show their number alone. */
  texts: ReadonlyMap<number, string>;
  /** Null: the reader may not change anything, or the dataset is gone. */
  decisions: Decisions | null;
}

export function RowList({ rows, otherTitle, texts, decisions }: Props) {
  const [shown, setShown] = useState(rowsAtOnce);
  return (
    <>
      <ul className={classes.rows}>
        {rows.slice(0, shown).map((row) => (
          <Row
            key={row.row}
            named={row}
            otherTitle={otherTitle}
            text={texts.get(row.row)}
            decisions={decisions}
          />
        ))}
      </ul>
      {shown < rows.length && (
        <Button variant="default" size="xs" mt="xs" onClick={() => setShown(rows.length)}>
          Show {formatCount(rows.length - shown, "more row")}
        </Button>
      )}
    </>
  );
}

interface RowProps {
  named: JudgedRow;
  otherTitle: string;
  text: string | undefined;
  decisions: Decisions | null;
}

function Row({ named, otherTitle, text, decisions }: RowProps) {
  const [isWhole, setIsWhole] = useState(false);
  const id = useId();
  const { row, label, other, labelScore, otherScore } = named;
  return (
    <li className={classes.row} data-decided={decisions?.of(row) !== undefined || undefined}>
      <Stack gap={4} miw={0}>
        <Text size="sm" lineClamp={isWhole ? 0 : 3} dir="auto" id={id} className={classes.text}>
          {text ?? "–"}
        </Text>
        <Group gap="xs">
          <Text size="xs" c="dimmed">
            Row {row}
          </Text>
          {text !== undefined && text.length > 240 && (
            <Button
              variant="subtle"
              size="compact-xs"
              onClick={() => setIsWhole(!isWhole)}
              aria-expanded={isWhole}
              aria-controls={id}
            >
              {isWhole ? "Show less" : "Show all"}
              <VisuallyHidden> of row {row}</VisuallyHidden>
            </Button>
          )}
        </Group>
      </Stack>
      <Stack gap={6} miw={0}>
        <Text size="sm" component="dl" m={0} className={classes.labels}>
          <dt>Labelled</dt>
          <dd>
            {label} <Score share={labelScore} />
          </dd>
          <dt>{otherTitle}</dt>
          <dd>
            {other} <Score share={otherScore} />
          </dd>
        </Text>
        {decisions && <RowDecision named={named} decisions={decisions} />}
      </Stack>
    </li>
  );
}

function Score({ share }: { share: number | undefined }) {
  if (share === undefined) return null;
  return (
    <Text span size="xs" c="dimmed">
      {formatPercent(share, 0)}
    </Text>
  );
}
