import { describe, expect, it } from "vitest";

import { callIn } from "./calls";

const call = {
  origin: "http://hmi.example",
  task: "mail-topics",
  kind: "single_label" as const,
  inputs: [`It's "late", $HOME`],
  errorLevel: null,
} satisfies Parameters<typeof callIn>[1];

describe("the same call", () => {
  it("for a shell hands texts on unchanged", () => {
    expect(callIn("curl", call)).toBe(
      [
        "curl http://hmi.example/v1/tasks/mail-topics/predict",
        `-H "Authorization: Bearer $HMI_KEY"`,
        `-H "Content-Type: application/json"`,
        `-d '{"inputs":["It'\\''s \\"late\\", $HOME"]}'`,
      ].join(" \\\n  "),
    );
  });

  it("for Python needs nothing that is not there", () => {
    const program = callIn("python", { ...call, inputs: ["a\nb", "c"] });
    expect(program).toContain('"http://hmi.example/v1/tasks/mail-topics/predict"');
    expect(program).toContain('{"inputs": [\n        "a\\nb",\n        "c",\n    ]}');
    expect(program).not.toMatch(/requests|httpx/);
  });

  it("for JavaScript runs as it stands", async () => {
    const program = callIn("javascript", { ...call, inputs: ["one\u2028two", `$\{x} \\ "`] });
    const sent: unknown[] = [];
    const send = (_: string, { body }: { body: string }) => {
      sent.push(JSON.parse(body));
      return Promise.resolve({ json: () => Promise.resolve({ predictions: [{ label: "a", score: 1 }] }) });
    };
    const printed: unknown[] = [];
    const names = ["fetch", "process", "console"];
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the program is the thing under test
    const run = new Function(...names, `return (async () => {${program}})()`) as (
      ...parts: unknown[]
    ) => Promise<void>;
    await run(send, { env: { HMI_KEY: "k" } }, { log: (...words: unknown[]) => printed.push(words) });

    expect(sent).toEqual([{ inputs: ["one\u2028two", `$\{x} \\ "`] }]);
    expect(printed).toEqual([["a", 1]]);
  });

  it("asks for sets of labels where answers may be “not sure”", () => {
    const unsure = { ...call, inputs: ["a"], errorLevel: 0.05 };
    expect(callIn("curl", unsure)).toContain(
      `'{"inputs":["a"],"parameters":{"abstain":true,"error_level":0.05}}'`,
    );
    expect(callIn("python", unsure)).toContain('"parameters": {"abstain": True, "error_level": 0.05}})');
    expect(callIn("python", unsure)).toContain('print(prediction["label_set"], prediction["abstained"])');
    expect(callIn("javascript", unsure)).toContain(
      '["a"], parameters: { abstain: true, error_level: 0.05 } })',
    );
  });

  it("says what the kind of task answers, and sends two texts where it reads two", () => {
    const pair = { text: "one", pair: "two" };
    expect(callIn("python", { ...call, kind: "sentence_pair", inputs: [pair] })).toContain(
      '{"inputs": [{"text":"one","pair":"two"}]}',
    );
    expect(callIn("python", { ...call, kind: "score" })).toContain('print(prediction["value"])');
    expect(callIn("javascript", { ...call, kind: "multi_label" })).toContain(
      "console.log(prediction.labels)",
    );
    expect(callIn("python", { ...call, kind: "token_classification" })).toContain(
      'print(prediction["spans"])',
    );
  });
});
