/** A text with two sets of places in it: as it is labelled, and as a model says. */

import { type Place as Characters, textAt } from "@/lib/spans";

import type { Place } from "./report";

/** Characters that begin and end in no place's middle, with the labels that the two sets give them. */
export interface Piece {
  text: string;
  labelled: string | null;
  other: string | null;
}

/** The pieces in the text's order; joined they are the text. */
export function piecesOf(text: string, labelled: Place[], other: Place[]): Piece[] {
  // Places count code points, JavaScript's strings count UTF-16 units.
  const characters = Array.from(text);
  const cuts = [...labelled, ...other].flatMap(({ start, end }) => [start, end]);
  const bounds = [...new Set([0, ...cuts, characters.length])]
    .filter((place) => place <= characters.length)
    .sort((a, b) => a - b);
  return bounds.slice(0, -1).map((start, index) => ({
    text: characters.slice(start, bounds[index + 1]).join(""),
    labelled: labelAt(labelled, start),
    other: labelAt(other, start),
  }));
}

/** The words of a place, in so many characters at most. */
export function wordsAt(text: string, { start, end }: Characters, maxCharacters = 60): string {
  return end - start > maxCharacters
    ? `${textAt(text, { start, end: start + maxCharacters - 1 })}…`
    : textAt(text, { start, end });
}

/** Those of `places` that are not among the others, characters and label alike. */
export function placesOnlyIn(places: Place[], others: Place[]): Place[] {
  const known = new Set(others.map(keyOf));
  return places.filter((place) => !known.has(keyOf(place)));
}

/** The text from a little before the first place on that the two sets do not share. */
export function excerptOf(text: string, labelled: Place[], other: Place[], before = 60) {
  const differing = [...placesOnlyIn(labelled, other), ...placesOnlyIn(other, labelled)];
  const from = Math.max(0, Math.min(...differing.map(({ start }) => start)) - before);
  if (differing.length === 0 || from <= before) return { text, labelled, other };
  const moved = (places: Place[]) =>
    places
      .filter(({ end }) => end > from)
      .map(({ start, end, label }) => ({ start: Math.max(start - from, 0) + 1, end: end - from + 1, label }));
  return {
    text: `…${Array.from(text).slice(from).join("")}`,
    labelled: moved(labelled),
    other: moved(other),
  };
}

function labelAt(places: Place[], character: number): string | null {
  return places.find(({ start, end }) => start <= character && character < end)?.label ?? null;
}

function keyOf({ start, end, label }: Place): string {
  return `${start} ${end} ${label}`;
}
