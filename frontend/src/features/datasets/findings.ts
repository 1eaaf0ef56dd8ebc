/** What the server found in a file: words, rows, and how to fix it. */

import { ApiError } from "@/lib/api-error";

export interface Finding {
  code: string;
  /** Names the rows as an editor numbers them; the header is row 1. */
  message: string;
  fix: string;
}

/** All reasons for which a file was refused; empty for an error of another kind. */
export function findingsOf(error: Error): Finding[] {
  if (!(error instanceof ApiError)) return [];
  const { details } = error;
  if (typeof details !== "object" || details === null || !("findings" in details)) return [];
  return Array.isArray(details.findings) ? details.findings.filter(isFinding) : [];
}

function isFinding(value: unknown): value is Finding {
  return (
    typeof value === "object" && value !== null && "code" in value && "message" in value && "fix" in value
  );
}
