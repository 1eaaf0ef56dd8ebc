/** The text of a row that a report names, or both of a pair, cut to some lines; places of it are marked. */

import { Button, Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useId, useState } from "react";

import { formatCount } from "@/lib/format";
import { useIsPrinting } from "@/lib/use-is-printing";

import type { RowText } from "../api/get-row-texts";
import type { JudgedRow } from "../judged-rows";
import { excerptOf, piecesOf } from "../marked";
import classes from "./RowList.module.css";

/** A text that is longer is cut at first. */
const shortCharacters = 240;
/** On paper a text has so many, some lines. */
const paperCharacters = 600;

interface Props {
  row: number;
  text: RowText | undefined;
  places: JudgedRow["places"];
}

export function NamedText({ row, text, places }: Props) {
  const [isUnfolded, setIsUnfolded] = useState(false);
  const isPrinting = useIsPrinting();
  const isWhole = isPrinting || isUnfolded;
  const shown = (each: string) => (isPrinting ? onPaper(each) : each);
  const id = useId();
  const isLong = [text?.text, text?.pair].some((each) => (each ?? "").length > shortCharacters);
  const clamp = isWhole ? {} : { lineClamp: 3 };
  return (
    <Stack gap={4} miw={0}>
      <div id={id}>
        <Text size="sm" {...clamp} dir="auto" className={classes.text}>
          {text && places ? (
            <Marked text={text.text} places={places} isWhole={isWhole} />
          ) : (
            shown(text?.text ?? "–")
          )}
        </Text>
        {text?.pair != null && (
          <Text size="sm" {...clamp} dir="auto" mt={4} className={classes.pair}>
            <VisuallyHidden>Second text: </VisuallyHidden>
            {shown(text.pair)}
          </Text>
        )}
      </div>
      <Group gap="xs">
        <Text size="xs" c="dimmed">
          Row {row}
        </Text>
        {isLong && (
          <Button
            variant="subtle"
            size="compact-xs"
            onClick={() => setIsUnfolded(!isUnfolded)}
            aria-expanded={isWhole}
            aria-controls={id}
          >
            {isWhole ? "Show less" : "Show all"}
            <VisuallyHidden> of row {row}</VisuallyHidden>
          </Button>
        )}
      </Group>
    </Stack>
  );
}

/** What does not fit is at least named. */
function onPaper(text: string): string {
  const characters = Array.from(text);
  const numLeft = characters.length - paperCharacters;
  if (numLeft <= 0) return text;
  return `${characters.slice(0, paperCharacters).join("")} … and ${formatCount(numLeft, "more character")}`;
}

interface MarkedProps {
  text: string;
  places: NonNullable<JudgedRow["places"]>;
  isWhole: boolean;
}

function Marked({ text, places: { labelled, other }, isWhole }: MarkedProps) {
  const shown = isWhole ? { text, labelled, other } : excerptOf(text, labelled, other);
  return piecesOf(shown.text, shown.labelled, shown.other).map((piece, index) =>
    piece.labelled === null && piece.other === null ? (
      <span key={index}>{piece.text}</span>
    ) : (
      <mark
        key={index}
        className={classes.place}
        data-labelled={piece.labelled !== null || undefined}
        data-differs={piece.labelled !== piece.other || undefined}
        data-other={piece.other !== null || undefined}
        title={
          piece.labelled === piece.other
            ? (piece.labelled ?? "")
            : `${piece.labelled ?? "no label"} / ${piece.other ?? "no label"}`
        }
      >
        {piece.text}
      </mark>
    ),
  );
}
