/** Marks the words of one text by hand: choose some, and give them a label or none; each step can be taken back. */

import { Button, Group, Kbd, Select, Stack, Switch, Text, VisuallyHidden } from "@mantine/core";
import { Fragment, type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";

import type { Place as Characters } from "@/lib/spans";

import { wordsAt } from "../marked";
import type { Place } from "../report";
import { areSame, joined, touching, unitBeside, unitsOf, withoutSpans, withSpan } from "../span-edits";
import { type Choice, MarkableText } from "./MarkableText";

/** So many labels have a button and a digit each; of more one is found by typing. */
const labelsAtOnce = 9;

interface Props {
  row: number;
  text: string;
  /** As the dataset has them. */
  given: Place[];
  /** As they are to be. */
  spans: Place[];
  labels: string[];
  onChange: (spans: Place[]) => void;
  onClose: () => void;
}

export function SpanEditor({ row, text, given, spans, labels, onChange, onClose }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const labelling = useRef<HTMLDivElement>(null);
  const helpId = useId();
  const [isByWord, setIsByWord] = useState(true);
  const [choice, setChoice] = useState<Choice | null>(null);
  const { change, undo } = useUndo(spans, onChange);
  const units = useMemo(() => unitsOf(text, isByWord), [text, isByWord]);
  const chosen = choice && joined(choice.anchor, choice.head);
  const touched = chosen ? touching(spans, chosen) : [];
  const isGiven = areSame(spans, given);

  useEffect(() => box.current?.focus(), []);

  const edit = (edited: Place[]) => {
    change(edited);
    box.current?.focus();
  };
  const give = (label: string) => chosen && edit(withSpan(spans, { ...chosen, label }));
  const remove = () => chosen && edit(withoutSpans(spans, chosen));
  const takeIn = (by: number) => {
    const beside = unitBeside(units, chosen, by);
    const taken = beside && chosen ? joined(chosen, beside) : beside;
    if (taken) setChoice({ anchor: taken, head: taken });
  };

  const onKey = ({ key, ctrlKey, metaKey }: KeyboardEvent): boolean => {
    if (ctrlKey || metaKey) {
      if (key.toLowerCase() !== "z") return false;
      undo?.();
      return true;
    }
    const label = /^[1-9]$/.test(key) && labels.length <= labelsAtOnce ? labels[Number(key) - 1] : undefined;
    if (label !== undefined) give(label);
    else if (key === "Delete" || key === "Backspace") remove();
    else if (key === "Escape") setChoice(null);
    else if (key === "Enter") labelling.current?.querySelector<HTMLElement>("button, input")?.focus();
    else return false;
    return true;
  };

  return (
    <Stack
      gap="xs"
      className="not-printed"
      style={{ gridColumn: "1 / -1" }}
      role="group"
      aria-label={`Spans of row ${row}`}
    >
      <MarkableText
        box={box}
        label={`Text of row ${row}, to choose words in`}
        helpId={helpId}
        text={text}
        spans={spans}
        units={units}
        choice={choice}
        onChoose={setChoice}
        onKey={onKey}
      />
      <Text size="sm" role="status">
        {chosen ? <Told text={text} chosen={chosen} touched={touched} /> : "Nothing is chosen."}
      </Text>
      <Group gap={6} ref={labelling}>
        <LabelChoice labels={labels} chosen={chosen} touched={touched} onGive={give} />
        <Button size="xs" variant="default" disabled={touched.length === 0} onClick={remove}>
          Remove the mark
        </Button>
        <Button size="xs" variant="subtle" disabled={!chosen} onClick={() => takeIn(-1)}>
          One more before
        </Button>
        <Button size="xs" variant="subtle" disabled={!chosen} onClick={() => takeIn(1)}>
          One more after
        </Button>
      </Group>
      <Group gap={6}>
        <Button size="xs" variant="default" disabled={!undo} onClick={undo}>
          Undo
        </Button>
        <Button size="xs" variant="default" disabled={isGiven} onClick={() => edit(given)}>
          As given
        </Button>
        <Button size="xs" variant="default" onClick={onClose}>
          Done
          <VisuallyHidden> with row {row}</VisuallyHidden>
        </Button>
        <Switch
          size="xs"
          label="Whole words"
          checked={isByWord}
          onChange={(event) => setIsByWord(event.currentTarget.checked)}
        />
      </Group>
      <Text size="xs" c="dimmed" id={helpId}>
        Select words with the mouse, or click one, or a mark; on a touch screen press one for long and pull
        the handles. With the keyboard: arrow keys go from word to word, with <Kbd size="xs">Shift</Kbd> they
        choose more, <Kbd size="xs">↑</Kbd> <Kbd size="xs">↓</Kbd> go to marks
        {labels.length <= labelsAtOnce ? ", the digits give labels" : ""}, <Kbd size="xs">Enter</Kbd> leads to
        the labels, <Kbd size="xs">Del</Kbd> removes marks, <Kbd size="xs">Ctrl Z</Kbd> takes a step back. A
        model labels whole words.
      </Text>
    </Stack>
  );
}

interface LabelChoiceProps {
  labels: string[];
  chosen: Characters | null;
  touched: Place[];
  onGive: (label: string) => void;
}

function LabelChoice({ labels, chosen, touched, onGive }: LabelChoiceProps) {
  const [only] = touched;
  const now = only && chosen && isAt(only, chosen) ? only.label : null;
  if (labels.length > labelsAtOnce) {
    return (
      <Select
        size="xs"
        aria-label="Label of what is chosen"
        placeholder="Label"
        data={labels}
        searchable
        limit={30}
        disabled={!chosen}
        value={now}
        onChange={(label) => label !== null && onGive(label)}
        maw={220}
      />
    );
  }
  return labels.map((label, place) => (
    <Button
      key={label}
      size="xs"
      variant={label === now ? "filled" : "default"}
      aria-pressed={label === now}
      aria-keyshortcuts={String(place + 1)}
      disabled={!chosen}
      rightSection={
        <Text span size="xs" aria-hidden>
          {place + 1}
        </Text>
      }
      onClick={() => onGive(label)}
    >
      {label}
    </Button>
  ));
}

/** What is chosen, and what it is; of marks that it only touches, that they would go. */
function Told({ text, chosen, touched }: { text: string; chosen: Characters; touched: Place[] }) {
  const [only] = touched;
  const words = <Words text={text} at={chosen} />;
  if (!only) return <>{words}, not marked</>;
  if (isAt(only, chosen)) {
    return (
      <>
        {words} is {only.label}
      </>
    );
  }
  return (
    <>
      {words}: a label takes the place of{" "}
      {touched.map((span, place) => (
        <Fragment key={span.start}>
          {place > 0 && ", "}
          <Words text={text} at={span} /> {span.label}
        </Fragment>
      ))}
    </>
  );
}

/** Written from the right or the left, whatever stands round them. */
function Words({ text, at }: { text: string; at: Characters }) {
  return <bdi>“{wordsAt(text, at)}”</bdi>;
}

function isAt(one: Characters, other: Characters): boolean {
  return one.start === other.start && one.end === other.end;
}

/** Steps back, as long as nothing else has changed the spans since; undefined where there is none. */
function useUndo(spans: Place[], onChange: (spans: Place[]) => void) {
  const [steps, setSteps] = useState<{ before: Place[]; after: Place[] }[]>([]);
  const last = steps.at(-1);
  const change = (after: Place[]) => {
    if (areSame(spans, after)) return;
    const isOwn = last !== undefined && areSame(last.after, spans);
    setSteps([...(isOwn ? steps : []), { before: spans, after }]);
    onChange(after);
  };
  const undo =
    last && areSame(last.after, spans)
      ? () => {
          setSteps(steps.slice(0, -1));
          onChange(last.before);
        }
      : undefined;
  return { change, undo };
}
