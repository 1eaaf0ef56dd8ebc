import { describe, expect, it } from "vitest";

import { confusionCsv, confusionsOf } from "./confusions";

const labels = ["a", "b", 'say "c", d'];
const confusion = [
  [8, 0, 2],
  [1, 3, 0],
  [2, 0, 0],
];

describe("confusions", () => {
  it("come most frequent first, of equals that which is more of its label", () => {
    expect(confusionsOf(labels, confusion)).toEqual([
      { truth: 'say "c", d', predicted: "a", count: 2, share: 1 },
      { truth: "a", predicted: 'say "c", d', count: 2, share: 0.2 },
      { truth: "b", predicted: "a", count: 1, share: 0.25 },
    ]);
  });

  it("are a file that a spreadsheet reads, and in which no label is a formula", () => {
    expect(confusionCsv(labels, confusion)).toBe(
      'true label,a,b,"say ""c"", d"\r\na,8,0,2\r\nb,1,3,0\r\n"say ""c"", d",2,0,0\r\n',
    );
    expect(confusionCsv(["=1+1"], [[3]])).toBe("true label,'=1+1\r\n'=1+1,3\r\n");
  });
});
