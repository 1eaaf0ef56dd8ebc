/** A text with its spans, in which characters are chosen: with the mouse, by touch, or with keys alone. */

import { type KeyboardEvent, type MouseEvent, type RefObject, useEffect, useRef, useState } from "react";

import { lengthOf, type Place as Characters, spansOf } from "@/lib/spans";

import type { Place } from "../report";
import { isRightToLeft, joined, snapped, unitAt, unitBeside } from "../span-edits";
import classes from "./MarkableText.module.css";

/** From where to where is chosen: with Shift the head moves, and the anchor stays. */
export interface Choice {
  anchor: Characters;
  head: Characters;
}

/** How far the page keys go. */
const unitsAPage = 20;

type Release = Pick<globalThis.MouseEvent, "target" | "clientX" | "clientY" | "shiftKey">;

interface Props {
  box: RefObject<HTMLDivElement | null>;
  label: string;
  helpId: string;
  text: string;
  spans: Place[];
  /** What can be chosen at the least. */
  units: Characters[];
  choice: Choice | null;
  onChoose: (choice: Choice | null) => void;
  /** Of keys that choose nothing; whether it was one of its own. */
  onKey: (event: KeyboardEvent) => boolean;
}

export function MarkableText({ box, label, helpId, text, spans, units, choice, onChoose, onKey }: Props) {
  const isFromRight = isRightToLeft(text);
  const chosen = choice && joined(choice.anchor, choice.head);
  const isPressed = useRef(false);
  const { drawn, isSelecting } = useSelection({ box, spans, units, choice, onChoose }, isPressed);

  const [headStart, headEnd] = [drawn?.head.start, drawn?.head.end];
  useEffect(() => {
    box.current?.querySelector("[data-head]")?.scrollIntoView({ block: "nearest" });
  }, [box, headStart, headEnd]);

  const choose = (found: Characters | null, isLonger: boolean) => {
    if (found)
      onChoose(isLonger && choice ? { anchor: choice.anchor, head: found } : { anchor: found, head: found });
  };

  const release = (event: Release) => {
    isPressed.current = false;
    const selection = window.getSelection();
    // With Shift the browser selects from wherever it was last: only where it was clicked matters.
    const dragged = event.shiftKey ? null : selectedIn(box.current);
    if (dragged) choose(snapped(units, dragged), false);
    else if (box.current?.contains(event.target as Node)) click(box.current, event);
    selection?.removeAllRanges(); // what is chosen is shown as such
  };

  const click = (inside: HTMLElement, event: Release) => {
    const clicked = event.target instanceof Element ? event.target.closest("mark") : null;
    const span = spans[Number(clicked?.dataset.span ?? -1)];
    const place = placeOfClick(inside, event);
    choose(span ?? (place === null ? null : unitAt(units, place)), event.shiftKey);
  };

  /** The mouse may be let go outside of the text. */
  const press = ({ button }: MouseEvent) => {
    if (button !== 0) return;
    isPressed.current = true;
    document.addEventListener("mouseup", release, { once: true });
  };

  const step = (by: number, isLonger: boolean) => {
    const from = isLonger ? (choice?.head ?? null) : chosen;
    choose(unitBeside(units, from, by) ?? from, isLonger);
  };

  const keyed = (event: KeyboardEvent) => {
    const forward = isFromRight ? -1 : 1;
    const isLonger = event.shiftKey;
    const moves: Record<string, () => void> = {
      ArrowRight: () => step(forward, isLonger),
      ArrowLeft: () => step(-forward, isLonger),
      PageDown: () => step(unitsAPage, isLonger),
      PageUp: () => step(-unitsAPage, isLonger),
      Home: () => choose(units[0] ?? null, isLonger),
      End: () => choose(units.at(-1) ?? null, isLonger),
      ArrowDown: () => choose(unitBeside(spans, chosen, 1), false),
      ArrowUp: () => choose(unitBeside(spans, chosen, -1), false),
    };
    const move = event.ctrlKey || event.metaKey || event.altKey ? undefined : moves[event.key];
    if (!move && !onKey(event)) return;
    event.preventDefault();
    move?.();
  };

  return (
    // Screen readers pass the keys on; what is chosen is told in the line below.
    <div
      ref={box}
      className={classes.text}
      dir={isFromRight ? "rtl" : "ltr"}
      role="application"
      aria-label={label}
      aria-describedby={helpId}
      tabIndex={0}
      onKeyDown={keyed}
      onMouseDown={press}
      data-selecting={isSelecting || undefined}
    >
      <Pieces text={text} spans={spans} choice={drawn} />
    </div>
  );
}

interface Selecting {
  /** What was chosen before, and is drawn: the page must not change below the selection. */
  drawn: Choice | null;
  made: Choice;
  spans: Place[];
}

/** What the browser itself selects in the box, as it does where a finger presses long and pulls the handles:
 * no mouse is let go then. The selection stays, handles and all, until something else chooses or marks. */
function useSelection(
  { box, spans, units, choice, onChoose }: Pick<Props, "box" | "spans" | "units" | "choice" | "onChoose">,
  isPressed: RefObject<boolean>,
) {
  const [selecting, setSelecting] = useState<Selecting | null>(null);
  const isOver = selecting !== null && (selecting.made !== choice || selecting.spans !== spans);
  const isSelecting = selecting !== null && !isOver;

  useEffect(() => {
    if (isOver) window.getSelection()?.removeAllRanges();
  }, [isOver]);

  useEffect(() => {
    const changed = () => {
      if (isPressed.current) return; // what the mouse selects counts when it is let go
      const began = window.getSelection()?.anchorNode ?? null;
      const found = box.current?.contains(began) ? selectedIn(box.current) : null;
      const whole = found && snapped(units, found);
      if (!found) setSelecting(null);
      else if (whole && !(isSelecting && isAt(selecting.made, whole))) {
        const made = { anchor: whole, head: whole };
        setSelecting({ drawn: isSelecting ? selecting.drawn : choice, made, spans });
        onChoose(made);
      }
    };
    document.addEventListener("selectionchange", changed);
    return () => document.removeEventListener("selectionchange", changed);
  }, [box, spans, units, choice, onChoose, isPressed, selecting, isSelecting]);

  return { drawn: isSelecting ? selecting.drawn : choice, isSelecting };
}

/** The characters of the box that are selected; null where none are. */
function selectedIn(box: HTMLElement | null): Characters | null {
  const selection = window.getSelection();
  const range = selection?.rangeCount ? selection.getRangeAt(0) : null;
  const found = box && range && !range.collapsed ? charactersIn(box, range) : null;
  return found && found.start < found.end ? found : null;
}

function isAt({ anchor, head }: Choice, { start, end }: Characters): boolean {
  return anchor.start === start && head.end === end;
}

/** The text and nothing else: labels are drawn by the style, so that the characters in the box are the text's. */
function Pieces({ text, spans, choice }: { text: string; spans: Place[]; choice: Choice | null }) {
  const chosen = choice ? partsOf(choice) : [];
  let at = 0;
  return spansOf(text, spans).map(({ text: part, token: span }, index) => {
    const start = at;
    at += lengthOf(part);
    const inside = chosen
      .filter((one) => one.start < at && start < one.end)
      .map((one) => ({ ...one, start: Math.max(one.start - start, 0), end: Math.min(one.end, at) - start }));
    const pieces = spansOf(part, inside).map(({ text: piece, token }, place) => (
      <span
        key={place}
        className={classes.piece}
        data-chosen={token !== null || undefined}
        data-head={token?.isHead || undefined}
      >
        {piece}
      </span>
    ));
    return span ? (
      <mark key={index} className={classes.span} data-span={spans.indexOf(span)} data-label={span.label}>
        {pieces}
      </mark>
    ) : (
      <span key={index}>{pieces}</span>
    );
  });
}

/** What is chosen, cut where the head begins and ends: that is what has to be seen when it moves. */
function partsOf({ anchor, head }: Choice) {
  const { start, end } = joined(anchor, head);
  return [
    { start, end: head.start, isHead: false },
    { ...head, isHead: true },
    { start: head.end, end, isHead: false },
  ].filter((part) => part.start < part.end);
}

/** What of the box is in a selection, which may begin before it or end behind it. */
function charactersIn(box: HTMLElement, range: Range): Characters | null {
  if (!range.intersectsNode(box)) return null;
  const whole = document.createRange();
  whole.selectNodeContents(box);
  const isBefore = range.compareBoundaryPoints(Range.START_TO_START, whole) < 0;
  const isBehind = range.compareBoundaryPoints(Range.END_TO_END, whole) > 0;
  return {
    start: isBefore ? 0 : placeOf(box, range.startContainer, range.startOffset),
    end: isBehind ? lengthOf(whole.toString()) : placeOf(box, range.endContainer, range.endOffset),
  };
}

/** Not every touch leaves a selection, but it has a point. */
function placeOfClick(box: HTMLElement, { clientX, clientY }: Release): number | null {
  // Older browsers have no such function.
  const find =
    "caretPositionFromPoint" in document ? document.caretPositionFromPoint.bind(document) : undefined;
  const pointed = find?.(clientX, clientY);
  if (pointed && box.contains(pointed.offsetNode)) return placeOf(box, pointed.offsetNode, pointed.offset);
  const node = window.getSelection()?.focusNode;
  return node && box.contains(node) ? placeOf(box, node, window.getSelection()?.focusOffset ?? 0) : null;
}

function placeOf(box: HTMLElement, node: Node, offset: number): number {
  const before = document.createRange();
  before.setStart(box, 0);
  before.setEnd(node, offset);
  return lengthOf(before.toString());
}
