/** A text cut where its tokens begin and end, so that each can be shown as PLOT answered it. */

import type { TokenLookup } from "./api/predict";

export interface Span {
  text: string;
  /** Null: white space, or what was cut off and not read. */
  token: TokenLookup | null;
}

/** The spans in the text's order; joined they are the text. */
export function spansOf(text: string, tokens: TokenLookup[]): Span[] {
  // The service counts code points, JavaScript's strings count UTF-16 units.
  const characters = Array.from(text);
  const spans: Span[] = [];
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
