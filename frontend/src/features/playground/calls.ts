/** The same call for programs: curl, Python, JavaScript. The key is read from the environment: it lands in no history. */

import { predictPath } from "./api/predict";

export type Language = "curl" | "python" | "javascript";

export const languages: { language: Language; name: string }[] = [
  { language: "curl", name: "curl" },
  { language: "python", name: "Python" },
  { language: "javascript", name: "JavaScript" },
];

interface Call {
  origin: string;
  task: string;
  texts: string[];
}

export function callIn(language: Language, call: Call): string {
  return { curl, python, javascript }[language](call);
}

/** For a POSIX shell. */
function curl({ origin, task, texts }: Call): string {
  const body = JSON.stringify({ inputs: texts });
  return [
    `curl ${origin}${predictPath(task)}`,
    `-H "Authorization: Bearer $HMI_KEY"`,
    `-H "Content-Type: application/json"`,
    `-d '${body.replaceAll("'", `'\\''`)}'`,
  ].join(" \\\n  ");
}

/** For Python 3 with its standard library alone. A JSON string is a Python string too. */
function python({ origin, task, texts }: Call): string {
  return `import json, os, urllib.request

request = urllib.request.Request(
    ${JSON.stringify(origin + predictPath(task))},
    data=json.dumps({"inputs": [${listed(texts, "        ", "    ")}]}).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["HMI_KEY"],
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as answer:
    for prediction in json.load(answer)["predictions"]:
        print(prediction["label"], prediction["score"])`;
}

/** For Node and other servers: a key does not belong into a page. */
function javascript({ origin, task, texts }: Call): string {
  return `const response = await fetch(${JSON.stringify(origin + predictPath(task))}, {
  method: "POST",
  headers: {
    Authorization: \`Bearer \${process.env.HMI_KEY}\`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({ inputs: [${listed(texts, "    ", "  ")}] }),
});
const { predictions } = await response.json();
for (const { label, score } of predictions) console.log(label, score);`;
}

function listed(texts: string[], indent: string, end: string): string {
  const literals = texts.map(literal);
  if (literals.length < 2) return literals.join("");
  return `\n${literals.map((each) => `${indent}${each},\n`).join("")}${end}`;
}

/** A text as a string literal that Python and JavaScript read alike. */
function literal(text: string): string {
  // JSON leaves these two as they are; in a program they would end the line.
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
