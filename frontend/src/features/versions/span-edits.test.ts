import { describe, expect, it } from "vitest";

import { textAt } from "@/lib/spans";

import {
  isRightToLeft,
  snapped,
  touching,
  unitAt,
  unitBeside,
  unitsOf,
  withSpan,
  withoutSpans,
} from "./span-edits";

const text = "😀 Zoë's cafe\u0301, 北京 👩‍👧!";
const words = unitsOf(text, true);

describe("what can be chosen of a text", () => {
  it("is words, as the upload doctor tells them, counted in code points", () => {
    expect(words.map((word) => textAt(text, word))).toEqual([
      "😀",
      "Zoë",
      "'",
      "s",
      "cafe\u0301",
      ",",
      "北",
      "京",
      "👩‍👧",
      "!",
    ]);
    expect(words[1]).toEqual({ start: 2, end: 5 });
  });

  it("is single signs with what stands on them, where words are not wanted whole", () => {
    const signs = unitsOf("a🇨🇭 e\u0301", false);
    expect(signs).toEqual([
      { start: 0, end: 1 },
      { start: 1, end: 3 },
      { start: 4, end: 6 },
    ]);
  });

  it("takes in all words that a selection touches, and no white space beside them", () => {
    expect(snapped(words, { start: 3, end: 4 })).toEqual({ start: 2, end: 5 });
    expect(snapped(words, { start: 1, end: 11 })).toEqual({ start: 2, end: 13 });
    expect(snapped(words, { start: 1, end: 2 })).toBeNull();
  });

  it("is the word where a click lies between it and its comma", () => {
    expect(unitAt(words, 13)).toEqual({ start: 8, end: 13 });
    expect(unitAt(unitsOf("a  b", true), 2)).toBeNull();
  });

  it("goes on from one to the next, and no further than the ends", () => {
    expect(unitBeside(words, null, 1)).toEqual(words[0]);
    expect(unitBeside(words, { start: 0, end: 5 }, 2)).toEqual(words[3]);
    expect(unitBeside(words, { start: 2, end: 5 }, -20)).toEqual(words[0]);
    expect(unitBeside(words, words.at(-1) ?? null, 1)).toBeNull();
  });
});

describe("the spans of a text", () => {
  const ann = { start: 2, end: 5, label: "NAME" };
  const bo = { start: 14, end: 16, label: "NAME" };

  it("never lie over one another: a new one takes the place of all that it touches", () => {
    const both = { start: 4, end: 15, label: "DATE" };
    expect(withSpan([ann, bo], both)).toEqual([both]);
    const beside = { start: 5, end: 14, label: "DATE" };
    expect(withSpan([ann, bo], beside)).toEqual([ann, beside, bo]);
  });

  it("go where they are touched", () => {
    expect(touching([ann, bo], { start: 15, end: 40 })).toEqual([bo]);
    expect(withoutSpans([ann, bo], { start: 15, end: 40 })).toEqual([ann]);
  });
});

it("knows by its first letter which way a text goes", () => {
  expect(isRightToLeft("1. שלום, Ann")).toBe(true);
  expect(isRightToLeft("Ann: שלום")).toBe(false);
});
