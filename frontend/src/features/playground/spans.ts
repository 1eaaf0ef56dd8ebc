/** A text cut where its tokens, or what was found in it, begin and end, so that each can be marked. */

interface Place {
  start: number;
  end: number;
}

export interface Span<T extends Place> {
  text: string;
  /** Null: what is between two of them, such as white space, or was cut off and not read. */
  token: T | null;
}

/** The spans in the text's order; joined they are the text. */
export function spansOf<T extends Place>(text: string, tokens: T[]): Span<T>[] {
  // The service counts code points, JavaScript's strings count UTF-16 units.
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
