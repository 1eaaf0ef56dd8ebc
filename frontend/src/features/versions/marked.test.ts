import { describe, expect, it } from "vitest";

import { excerptOf, piecesOf, placesOnlyIn, wordsAt } from "./marked";

const text = "😀 Ann met Bo Li in Rome";
const ann = { start: 2, end: 5, label: "NAME" };
const bo = { start: 10, end: 12, label: "NAME" };
const boLi = { start: 10, end: 15, label: "NAME" };

describe("a text with two sets of places", () => {
  it("is cut where either set begins or ends, and loses nothing", () => {
    const pieces = piecesOf(text, [ann, bo], [boLi]);

    expect(pieces.map((piece) => piece.text)).toEqual(["😀 ", "Ann", " met ", "Bo", " Li", " in Rome"]);
    expect(pieces.map(({ labelled, other }) => [labelled, other])).toEqual([
      [null, null],
      ["NAME", null],
      [null, null],
      ["NAME", "NAME"],
      [null, "NAME"],
      [null, null],
    ]);
  });

  it("has its words counted in characters, not in the units of a program's strings", () => {
    expect(wordsAt(text, boLi)).toBe("Bo Li");
    expect(wordsAt(text, { ...boLi, start: 0, end: 9 }, 4)).toBe("😀 A…");
  });

  it("tells which places one set has alone", () => {
    expect(placesOnlyIn([ann, bo], [ann, boLi])).toEqual([bo]);
    expect(placesOnlyIn([ann], [{ ...ann, label: "TOWN" }])).toEqual([ann]);
  });

  it("begins shortly before the first place that differs when that is far in", () => {
    const long = `${"x".repeat(200)} ${text}`;
    const [far, same] = [boLi, ann].map((place) => ({
      ...place,
      start: place.start + 201,
      end: place.end + 201,
    })) as [typeof ann, typeof ann];
    const excerpt = excerptOf(long, [same, far], [same], 20);

    expect(excerpt.text.startsWith("…")).toBe(true);
    expect(excerpt.labelled.map((place) => wordsAt(excerpt.text, place))).toEqual(["Ann", "Bo Li"]);
    expect(excerpt.other.map((place) => wordsAt(excerpt.text, place))).toEqual(["Ann"]);
    expect(excerptOf(text, [boLi], [], 20)).toEqual({ text, labelled: [boLi], other: [] });
  });
});
