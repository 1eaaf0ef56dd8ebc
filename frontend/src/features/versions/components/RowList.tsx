/** Rows of the training's dataset that the report names, to be judged; texts are read from the dataset as it is now. */

import { Button, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useRef, useState } from "react";

import { useFolded } from "@/components/ui/use-folded";
import { formatPercent } from "@/lib/format";

import { correctionTo, type JudgedRow } from "../judged-rows";
import type { RowText } from "../api/get-row-texts";
import { NamedText } from "./NamedText";
import { PlaceWords } from "./PlaceWords";
import { type Decisions, RowDecision } from "./RowDecision";
import classes from "./RowList.module.css";
import { SpanEditor } from "./SpanEditor";

const rowsAtOnce = 10;

interface Props {
  rows: JudgedRow[];
  /** What `other` is: what the model said, or what it suggests. */
  otherTitle: string;
  /** Texts by row number; rows without them show their number alone. */
  texts: ReadonlyMap<number, RowText>;
  /** Null: the reader may not change anything, or the dataset is gone. */
  decisions: Decisions | null;
}

export function RowList({ rows, otherTitle, texts, decisions }: Props) {
  const { shown, more } = useFolded(rows, rowsAtOnce, "row");
  return (
    <>
      <ul className={classes.rows}>
        {shown.map((row) => (
          <Row
            key={row.row}
            named={row}
            otherTitle={otherTitle}
            text={texts.get(row.row)}
            decisions={decisions}
          />
        ))}
      </ul>
      {more}
    </>
  );
}

interface RowProps {
  named: JudgedRow;
  otherTitle: string;
  text: RowText | undefined;
  decisions: Decisions | null;
}

function Row({ named, otherTitle, text, decisions }: RowProps) {
  const { row, label, other, labelScore, otherScore, places, now } = named;
  const [isMarking, setIsMarking] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const isMarked = places !== undefined && text !== undefined;
  const correction = decisions?.of(row);
  const given = isMarked && correction?.drop !== true ? now?.spans : undefined;
  const close = () => {
    setIsMarking(false);
    opener.current?.focus();
  };
  return (
    <li className={classes.row} data-decided={correction !== undefined || undefined}>
      <NamedText row={row} text={text} places={places} />
      <Stack gap={6} miw={0}>
        <Text size="sm" component="dl" m={0} className={classes.labels}>
          <dt data-labelled={isMarked || undefined}>Labelled</dt>
          <dd>
            {isMarked ? <PlaceWords text={text.text} places={places.labelled} than={places.other} /> : label}{" "}
            <Score share={labelScore} />
          </dd>
          <dt data-other={isMarked || undefined}>{otherTitle}</dt>
          <dd>
            {isMarked ? <PlaceWords text={text.text} places={places.other} than={places.labelled} /> : other}{" "}
            <Score share={otherScore} />
          </dd>
          {isMarked && correction?.spans && (
            <>
              <dt>Set to</dt>
              <dd>
                <PlaceWords text={text.text} places={correction.spans} than={places.labelled} />
              </dd>
            </>
          )}
        </Text>
        {decisions && (
          <RowDecision
            named={named}
            decisions={decisions}
            byHand={
              given && (
                <Button
                  ref={opener}
                  size="xs"
                  variant="default"
                  aria-expanded={isMarking}
                  onClick={() => setIsMarking(!isMarking)}
                >
                  Mark by hand
                  <VisuallyHidden> (row {row})</VisuallyHidden>
                </Button>
              )
            }
          />
        )}
      </Stack>
      {isMarking && decisions && given && text && (
        <SpanEditor
          row={row}
          text={text.text}
          given={given}
          spans={correction?.spans ?? given}
          labels={decisions.labels}
          onChange={(spans) => decisions.decide(row, correctionTo(named, { spans }))}
          onClose={close}
        />
      )}
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
