/** The rungs at which PLOT answers a text's tokens, in words and colors. */

export interface Rungs {
  trigram: number;
  bigram: number;
  unigram: number;
}

export interface RungPiece {
  rung: keyof Rungs;
  words: string;
  color: string;
  share: number;
}

/** The most context first. */
export function rungPieces({ trigram, bigram, unigram }: Rungs): RungPiece[] {
  return [
    { rung: "trigram", words: "Three tokens", color: "teal.6", share: trigram },
    { rung: "bigram", words: "Two tokens", color: "cyan.6", share: bigram },
    { rung: "unigram", words: "One token", color: "yellow.6", share: unigram },
  ];
}
