import { expect, it } from "vitest";

import { spansOf } from "./spans";

const answered = { rung: "trigram", node: "domain" } as const;

it("cuts a text at its tokens and loses nothing", () => {
  const text = "😀 It's late, very";
  const tokens = [
    { start: 0, end: 1, ...answered },
    { start: 2, end: 4, ...answered },
    { start: 4, end: 5, ...answered },
    { start: 5, end: 6, ...answered },
    { start: 7, end: 11, ...answered },
  ];
  const spans = spansOf(text, tokens);

  expect(spans.map((span) => span.text)).toEqual(["😀", " ", "It", "'", "s", " ", "late", ", very"]);
  expect(spans.filter(({ token }) => token !== null)).toHaveLength(tokens.length);
});

it("shows a character once that two tokens share", () => {
  const spans = spansOf("é!", [
    { start: 0, end: 1, ...answered },
    { start: 0, end: 1, ...answered },
    { start: 1, end: 2, ...answered },
  ]);
  expect(spans.map((span) => span.text)).toEqual(["é", "!"]);
});
