/** What becomes of a row that the report names: what it suggests, something else by hand, or out with it. */

import { Button, Group, MultiSelect, NativeSelect, NumberInput, Select, VisuallyHidden } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import type { ReactNode } from "react";

import type { Correction } from "@/lib/types";

import { correctionTo, isSameAnswer, type JudgedRow, type RowAnswer } from "../judged-rows";

/** What a person may decide about rows, and has. */
export interface Decisions {
  of: (row: number) => Correction | undefined;
  decide: (row: number, correction: Correction | undefined) => void;
  /** Labels that a row can be given; none of kinds without labels, and where rows can only be left out. */
  labels: string[];
}

const asItIs = "as it is";
const leftOut = "left out";
const setRight = "set right";
/** Of more labels one is found by typing. */
const optionsAtOnce = 30;

interface Props {
  named: JudgedRow;
  decisions: Decisions;
  /** Leads to what is no matter of a choice, such as marking words. */
  byHand?: ReactNode;
}

export function RowDecision({ named, decisions, byHand }: Props) {
  const { row, other, now, suggested } = named;
  const correction = decisions.of(row);
  const isSuggested = correction !== undefined && isSameAnswer(correction, suggested);
  const give = (answer: RowAnswer | undefined) => decisions.decide(row, correctionTo(named, answer));
  return (
    <Group gap={6} className="not-printed" wrap="wrap">
      {canBeGiven(suggested, decisions) && !isSameAnswer(suggested, now) && (
        <Button
          size="xs"
          variant={isSuggested ? "filled" : "default"}
          aria-pressed={isSuggested}
          leftSection={isSuggested && <IconCheck size={14} aria-hidden />}
          maw={180}
          onClick={() => give(isSuggested ? undefined : suggested)}
        >
          {suggested.spans ? spansWords(suggested.spans) : `It is ${suggested.value ?? other}`}
          <VisuallyHidden> (row {row})</VisuallyHidden>
        </Button>
      )}
      {now?.labels && (
        <MultiSelect
          size="xs"
          aria-label={`Labels of row ${row}`}
          data={decisions.labels}
          searchable
          limit={optionsAtOnce}
          value={correction?.labels ?? now.labels}
          onChange={(labels) => give({ labels })}
          disabled={correction?.drop ?? false}
          maw={320}
        />
      )}
      {now?.value !== undefined && (
        <NumberInput
          size="xs"
          aria-label={`Value of row ${row}`}
          value={correction?.value ?? now.value}
          onChange={(value) => typeof value === "number" && give({ value })}
          disabled={correction?.drop ?? false}
          maw={120}
        />
      )}
      {byHand}
      <Fate named={named} decisions={decisions} give={give} />
    </Group>
  );
}

interface FateProps {
  named: JudgedRow;
  decisions: Decisions;
  give: (answer: RowAnswer | undefined) => void;
}

/** Of kinds with one label a row it has the other labels, too; many of them stand in a field of their own. */
function Fate({ named: { row, now }, decisions, give }: FateProps) {
  const correction = decisions.of(row);
  const others = now?.label === undefined ? [] : decisions.labels.filter((each) => each !== now.label);
  const isSearched = others.length > optionsAtOnce;
  const given = correction?.label;
  const listed = isSearched ? others.filter((each) => each === given) : others;
  const value = !correction ? asItIs : correction.drop ? leftOut : nameOf(correction);
  const choose = (chosen: string) => {
    if (chosen === leftOut) decisions.decide(row, { row, drop: true });
    else if (chosen === asItIs) give(undefined);
    else if (chosen !== setRight) give({ label: chosen.slice("label ".length) });
  };
  return (
    <>
      {isSearched && (
        <Select
          size="xs"
          aria-label={`Another label for row ${row}`}
          placeholder="Another label"
          data={others}
          searchable
          clearable
          limit={optionsAtOnce}
          value={given ?? null}
          onChange={(label) => give(label === null ? undefined : { label })}
          maw={180}
        />
      )}
      <NativeSelect
        size="xs"
        aria-label={`What becomes of row ${row}`}
        value={value}
        onChange={(event) => choose(event.currentTarget.value)}
        data={[
          { value: asItIs, label: "Leave as it is" },
          ...(value === setRight ? [{ value: setRight, label: "Set right" }] : []),
          ...listed.map((each) => ({ value: `label ${each}`, label: `It is ${each}` })),
          { value: leftOut, label: "Leave the row out" },
        ]}
        maw={180}
      />
    </>
  );
}

function nameOf({ label }: RowAnswer): string {
  return label === undefined ? setRight : `label ${label}`;
}

/** What is underlined in the text beside it. */
function spansWords(spans: unknown[]): string {
  return spans.length > 0 ? "Mark as underlined" : "Mark nothing";
}

function canBeGiven(answer: RowAnswer | undefined, { labels }: Decisions): answer is RowAnswer {
  if (!answer) return false;
  const named = [
    ...(answer.labels ?? []),
    ...(answer.spans ?? []).map(({ label }) => label),
    ...(answer.label === undefined ? [] : [answer.label]),
  ];
  return named.every((label) => labels.includes(label));
}
