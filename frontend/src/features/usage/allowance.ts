/** What of each quota, and of the storage, is used. */

import { formatBytes, formatDay, formatNumber } from "@/lib/format";
import type { Allowance } from "@/lib/types";

/** Of a limit: from then on people are warned. */
const warnFrom = 0.8;

export interface Limit {
  name: string;
  /** What is counted: "Texts since Jan 1". */
  title: string;
  used: string;
  /** Null: there is no limit. */
  most: string | null;
  /** From 0; 1 and more when all is used. */
  share: number;
  /** Null until much of it is used: what happens past it, or happens now. */
  warning: string | null;
}

export function limitsOf(allowance: Allowance): Limit[] {
  const { used_texts, quota_texts, used_tokens, quota_tokens, stored_bytes, max_stored_bytes } = allowance;
  const { period, period_began } = allowance;
  const when = period === "day" ? "today" : `since ${formatDay(period_began)}`;
  const refused = `calls are refused until the next ${period} (UTC) begins.`;
  const calls = [`Nearly used up. Past it ${refused}`, `Used up: ${refused}`] as const;
  const room = "delete datasets, or versions of them, that nobody needs.";
  return [
    limit("Texts", `Texts ${when}`, used_texts, quota_texts, formatNumber, calls),
    limit("Tokens", `Tokens ${when}`, used_tokens, quota_tokens, formatNumber, calls),
    limit("Storage", "Stored now", stored_bytes, max_stored_bytes, formatBytes, [
      `Nearly full. Past it uploads are refused: ${room}`,
      `Full: uploads are refused. To make room, ${room}`,
    ]),
  ];
}

function limit(
  name: string,
  title: string,
  used: number,
  most: number | null,
  format: (number: number) => string,
  [nearly, all]: readonly [string, string],
): Limit {
  const share = most === null ? 0 : most > 0 ? used / most : 1;
  return {
    name,
    title,
    used: format(used),
    most: most === null ? null : format(most),
    share,
    warning: share >= 1 ? all : share >= warnFrom ? nearly : null,
  };
}
