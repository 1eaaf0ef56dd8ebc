/** What became of a delivery, in words. */

import { formatDate, formatDuration } from "@/lib/format";
import type { Delivery } from "@/lib/types";

/** One that the receiver did not take is pending still, but that is not what people call it. */
export function stateOf({ state, error }: Delivery): { label: string; color: string } {
  if (state === "delivered") return { label: "taken", color: "teal" };
  if (state === "failed") return { label: "given up", color: "red" };
  return error === "" ? { label: "waiting", color: "blue" } : { label: "not taken yet", color: "orange" };
}

/** The last answer, and when there is another attempt. */
export function answerWords(delivery: Delivery, now = Date.now()): string {
  const { status, error, duration_ms, state, next_attempt_at } = delivery;
  const parts = [
    status !== null && `HTTP ${status}`,
    duration_ms !== null && `${duration_ms} ms`,
    error !== "" && error !== `answered ${status}` && error,
    state === "pending" && nextWords(error !== "", (Date.parse(next_attempt_at) - now) / 1000),
  ];
  return parts.filter(Boolean).join(", ") || "–";
}

/** Events of one task, dataset or tenant come in order: one that is due and not sent waits for another. */
function nextWords(wasTried: boolean, seconds: number): string | false {
  if (seconds > 1) return `tried again in ${formatDuration(seconds)}`;
  return !wasTried && seconds < -lateS && "waits for an earlier event that was not taken yet";
}

const lateS = 15;

/** When it was made, taken, and tried last. */
export function timesOf({ created_at, last_attempt_at, delivered_at }: Delivery): [string, string][] {
  return [
    ["Happened", formatDate(created_at)],
    ["Tried last", last_attempt_at === null ? "not yet" : formatDate(last_attempt_at)],
    ...(delivered_at === null ? [] : [["Taken", formatDate(delivered_at)] as [string, string]]),
  ];
}
