import { describe, expect, it } from "vitest";

import { spansReport } from "@/testing/examples";

import { mistakesOf } from "./judged-rows";
import type { Report } from "./report";

describe("what a mistake suggests", () => {
  const seen = { start: 0, end: 3, label: "NAME" };
  const unread = { start: 900, end: 903, label: "NAME" };

  function suggestedBy(further: object) {
    const mistake = { row: 23, spans: [seen, unread], predicted: [], ...further };
    const report: unknown = { ...spansReport, mistakes: [mistake] };
    return mistakesOf(report as Report)[0]?.suggested;
  }

  it("keeps the places behind the end of what was read; of older reports it is what was found", () => {
    expect(suggestedBy({ suggested: [unread] })).toEqual({ spans: [unread] });
    expect(suggestedBy({})).toEqual({ spans: [] });
  });
});
