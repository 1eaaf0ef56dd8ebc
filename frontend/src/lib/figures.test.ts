import { describe, expect, it } from "vitest";

import { figureInSentence, figuresOf, figureTitle, formatFigure, validationTitle } from "./figures";

describe("the names of figures", () => {
  it("are one for each kind of task, whether at a head or in a sentence", () => {
    const watched = (
      ["single_label", "sentence_pair", "multi_label", "score", "token_classification"] as const
    ).map((kind) => figuresOf(kind).watched);
    expect(watched.map(figureTitle)).toEqual([
      "Accuracy",
      "Accuracy",
      "Micro F1",
      "Variance explained (R²)",
      "F1 of spans",
    ]);
    expect(watched.map(figureInSentence)).toEqual(["accuracy", "accuracy", "micro F1", "R²", "F1 of spans"]);
    expect(watched.map(validationTitle).at(-1)).toBe("Validation F1 of spans");
  });

  it("are those of one label where an older report says no kind", () => {
    expect(figuresOf(undefined)).toBe(figuresOf("single_label"));
  });

  it("are the API's where it has gained a figure", () => {
    expect(figureTitle("toString")).toBe("toString");
    expect(validationTitle("new_figure")).toBe("Validation");
  });

  it("go with a percentage, or with a plain number where the figure is no share", () => {
    expect(formatFigure("span_f1", 0.9124)).toBe("91.2%");
    expect(formatFigure("r2", -0.0512)).toBe("−0.05");
  });
});
