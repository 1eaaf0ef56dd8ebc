/** The text of a row that a report names, or both of a pair, cut to some lines; places of it are marked. */

import { Button, Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useId, useState } from "react";

import { useIsPrinting } from "@/lib/use-is-printing";

import type { RowText } from "../api/get-row-texts";
import type { JudgedRow } from "../judged-rows";
import { excerptOf, piecesOf } from "../marked";
import classes from "./RowList.module.css";

/** A text that is longer is cut at first. */
const shortCharacters = 240;

interface Props {
  row: number;
  text: RowText | undefined;
  places: JudgedRow["places"];
}

export function NamedText({ row, text, places }: Props) {
  const [isUnfolded, setIsUnfolded] = useState(false);
  const isWhole = useIsPrinting() || isUnfolded;
  const id = useId();
  const isLong = [text?.text, text?.pair].some((each) => (each ?? "").length > shortCharacters);
  const lineClamp = isWhole ? 0 : 3;
  return (
    <Stack gap={4} miw={0}>
      <div id={id}>
        <Text size="sm" lineClamp={lineClamp} dir="auto" className={classes.text}>
          {text && places ? (
            <Marked text={text.text} places={places} isWhole={isWhole} />
          ) : (
            (text?.text ?? "–")
          )}
        </Text>
        {text?.pair != null && (
          <Text size="sm" lineClamp={lineClamp} dir="auto" mt={4} className={classes.pair}>
            <VisuallyHidden>Second text: </VisuallyHidden>
            {text.pair}
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
