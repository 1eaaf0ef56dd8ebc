/** The limit of time that ended a training, in words. */

import { formatCount, formatDuration } from "./format";
import type { TimeLimit } from "./types";

export function timeLimitWords({ limit, minutes }: TimeLimit): string {
  return limit === "max_minutes"
    ? `the limit that was set, ${formatCount(minutes, "minute")}`
    : `the longest time that a training may take here, ${formatDuration(60 * minutes)}`;
}
