/** What a person does to the spans of a text: characters are chosen, given a label, or none. */

import type { Place as Characters } from "@/lib/spans";
import { lengthOf } from "@/lib/spans";

import type { Place } from "./report";

/** A run of letters, digits and what stands on them, as the upload doctor tells words; a Chinese character,
 * an emoji with its parts and any other sign each stand for themselves. */
const words =
  /\p{UIdeo}|(?:(?!\p{UIdeo})[\p{L}\p{N}\p{M}])+|\p{RI}\p{RI}|\p{Extended_Pictographic}(?:[\p{M}\p{EMod}]|\u200d\p{Extended_Pictographic})*|\S/gu;
/** A sign with what stands on it. */
const signs =
  /\p{RI}\p{RI}|(?:\p{Extended_Pictographic}(?:[\p{M}\p{EMod}]|\u200d\p{Extended_Pictographic})*|\S)\p{M}*/gu;

/** What can be chosen at the least, in the text's order: whole words, or signs. White space is in none. */
export function unitsOf(text: string, isByWord: boolean): Characters[] {
  const units: Characters[] = [];
  let [end, endUnits] = [0, 0];
  for (const match of text.matchAll(isByWord ? words : signs)) {
    const start = end + lengthOf(text.slice(endUnits, match.index));
    end = start + lengthOf(match[0]);
    endUnits = match.index + match[0].length;
    units.push({ start, end });
  }
  return units;
}

/** All units that some characters touch, as one; null where there is only white space. */
export function snapped(units: Characters[], { start, end }: Characters): Characters | null {
  const first = units.find((unit) => unit.end > start);
  const last = units.findLast((unit) => unit.start < end);
  return first && last && first.start <= last.start ? joined(first, last) : null;
}

/** The unit that a click between two characters means: of two that meet there the longer one, such as a word
 * beside its comma; null in white space. */
export function unitAt(units: Characters[], place: number): Characters | null {
  return units
    .filter(({ start, end }) => start <= place && place <= end)
    .reduce<Characters | null>((best, unit) => (best && sizeOf(best) >= sizeOf(unit) ? best : unit), null);
}

/** So many units after some characters, or before them; the last one, or the first, where there are fewer. */
export function unitBeside(units: Characters[], from: Characters | null, by: number): Characters | null {
  if (!from) return (by > 0 ? units[0] : units.at(-1)) ?? null;
  const rest =
    by > 0 ? units.filter(({ start }) => start >= from.end) : units.filter(({ end }) => end <= from.start);
  return rest.at(by > 0 ? Math.min(by, rest.length) - 1 : Math.max(by, -rest.length)) ?? null;
}

export function joined(one: Characters, other: Characters): Characters {
  return { start: Math.min(one.start, other.start), end: Math.max(one.end, other.end) };
}

/** Those that share characters with others. */
export function touching(spans: Place[], { start, end }: Characters): Place[] {
  return spans.filter((span) => span.start < end && start < span.end);
}

/** A character has one label: a new span takes the place of all that it touches. */
export function withSpan(spans: Place[], added: Place): Place[] {
  return [...withoutSpans(spans, added), added].sort((one, other) => one.start - other.start);
}

export function withoutSpans(spans: Place[], characters: Characters): Place[] {
  const gone = touching(spans, characters);
  return spans.filter((span) => !gone.includes(span));
}

export function areSame(some: Place[], others: Place[]): boolean {
  return keyOf(some) === keyOf(others);
}

/** The direction that a browser gives a text by itself. */
export function isRightToLeft(text: string): boolean {
  const [letter] = /\p{L}/u.exec(text) ?? [""];
  return /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(letter);
}

function keyOf(spans: Place[]): string {
  return JSON.stringify(spans.map(({ start, end, label }) => [start, end, label]));
}

function sizeOf({ start, end }: Characters): number {
  return end - start;
}
