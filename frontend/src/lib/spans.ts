/** Places in a text: they count code points, as the service does, and JavaScript's strings count UTF-16 units. */

export interface Place {
  start: number;
  /** After the last character. */
  end: number;
}

export interface Span<T extends Place> {
  text: string;
  /** Null: what is between two of them, such as white space, or was cut off and not read. */
  token: T | null;
}

/** A text cut where its tokens, or what was found in it, begin and end, so that each can be marked; in the
 * text's order, and joined they are the text. */
export function spansOf<T extends Place>(text: string, tokens: T[]): Span<T>[] {
  const characters = Array.from(text);
  const spans: Span<T>[] = [];
  let at = 0;
  for (const token of tokens) {
    if (token.start > at) spans.push({ text: characters.slice(at, token.start).join(""), token: null });
    if (token.end > Math.max(at, token.start)) {
      spans.push({ text: characters.slice(Math.max(at, token.start), token.end).join(""), token });
    }
    at = Math.max(at, token.end);
  }
  if (at < characters.length) spans.push({ text: characters.slice(at).join(""), token: null });
  return spans;
}

/** What stands at a place. */
export function textAt(text: string, { start, end }: Place): string {
  return Array.from(text).slice(start, end).join("");
}

/** How many characters a text has, counted as places are. */
export function lengthOf(text: string): number {
  return Array.from(text).length;
}
