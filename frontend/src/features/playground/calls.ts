/** The same call for programs: curl, Python, JavaScript. The key is read from the environment: it lands in no history. */

import type { TaskKind } from "@/lib/types";

import { parametersOf, type PredictInput, predictPath } from "./api/predict";

export type Language = "curl" | "python" | "javascript";

export const languages: { language: Language; name: string }[] = [
  { language: "curl", name: "curl" },
  { language: "python", name: "Python" },
  { language: "javascript", name: "JavaScript" },
];

interface Call {
  origin: string;
  task: string;
  kind: TaskKind;
  inputs: PredictInput[];
  errorLevel: number | null;
}

export function callIn(language: Language, call: Call): string {
  return { curl, python, javascript }[language](call);
}

/** For a POSIX shell. */
function curl({ origin, task, inputs, errorLevel }: Call): string {
  const body = JSON.stringify(
    errorLevel === null ? { inputs } : { inputs, parameters: parametersOf(errorLevel) },
  );
  return [
    `curl ${origin}${predictPath(task)}`,
    `-H "Authorization: Bearer $HMI_KEY"`,
    `-H "Content-Type: application/json"`,
    `-d '${body.replaceAll("'", `'\\''`)}'`,
  ].join(" \\\n  ");
}

/** For Python 3 with its standard library alone. A JSON string is a Python string too. */
function python({ origin, task, kind, inputs, errorLevel }: Call): string {
  return `import json, os, urllib.request

request = urllib.request.Request(
    ${JSON.stringify(origin + predictPath(task))},
    data=json.dumps({"inputs": [${listed(inputs, "        ", "    ")}]${errorLevel === null ? "" : `, "parameters": {"abstain": True, "error_level": ${errorLevel}}`}}).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["HMI_KEY"],
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as answer:
    for prediction in json.load(answer)["predictions"]:
        print(${fieldsOf(kind, errorLevel)
          .map((field) => `prediction["${field}"]`)
          .join(", ")})`;
}

/** For Node and other servers: a key does not belong into a page. */
function javascript({ origin, task, kind, inputs, errorLevel }: Call): string {
  return `const response = await fetch(${JSON.stringify(origin + predictPath(task))}, {
  method: "POST",
  headers: {
    Authorization: \`Bearer \${process.env.HMI_KEY}\`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({ inputs: [${listed(inputs, "    ", "  ")}]${errorLevel === null ? "" : `, parameters: { abstain: true, error_level: ${errorLevel} }`} }),
});
const { predictions } = await response.json();
for (const prediction of predictions) console.log(${fieldsOf(kind, errorLevel)
    .map((field) => `prediction.${field}`)
    .join(", ")});`;
}

/** What a prediction says, by the task's kind. */
function fieldsOf(kind: TaskKind, errorLevel: number | null): string[] {
  if (errorLevel !== null) return ["label_set", "abstained"];
  if (kind === "score") return ["value"];
  if (kind === "token_classification") return ["spans"];
  return kind === "multi_label" ? ["labels"] : ["label", "score"];
}

function listed(inputs: PredictInput[], indent: string, end: string): string {
  const literals = inputs.map(literal);
  if (literals.length < 2) return literals.join("");
  return `\n${literals.map((each) => `${indent}${each},\n`).join("")}${end}`;
}

/** An input as a literal that Python and JavaScript read alike. */
function literal(input: PredictInput): string {
  // JSON leaves these two as they are; in a program they would end the line.
  return JSON.stringify(input).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
