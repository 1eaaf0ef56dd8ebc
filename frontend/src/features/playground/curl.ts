/** The same call for a command line. */

import { predictPath } from "./api/predict";

/** A curl command for a POSIX shell; reads the key from the environment, so that it lands in no shell history. */
export function curlCommand(origin: string, task: string, text: string): string {
  const body = JSON.stringify({ inputs: [text] });
  return [
    `curl ${origin}${predictPath(task)}`,
    `-H "Authorization: Bearer $HMI_KEY"`,
    `-H "Content-Type: application/json"`,
    `-d ${quoted(body)}`,
  ].join(" \\\n  ");
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
