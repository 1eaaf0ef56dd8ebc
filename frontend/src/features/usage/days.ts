/** Usage rows, which name only days with traffic, as series with every day. */

import type { UsageRow } from "@/lib/types";

export type Measure = "num_texts" | "num_requests" | "num_tokens" | "num_truncated";

export interface DayValue {
  /** As the API writes days: 2026-01-31, UTC. */
  day: string;
  value: number;
}

const dayMs = 24 * 3600 * 1000;

/** One value for each of the last `days` days (UTC, today last); days without rows are 0. */
export function valuesByDay(rows: UsageRow[], days: number, measure: Measure, now = Date.now()): DayValue[] {
  const sums = new Map<string, number>();
  for (const row of rows) sums.set(row.day, (sums.get(row.day) ?? 0) + row[measure]);
  return Array.from({ length: days }, (_, index) => {
    const day = new Date(now - (days - 1 - index) * dayMs).toISOString().slice(0, 10);
    return { day, value: sums.get(day) ?? 0 };
  });
}

export function total(rows: UsageRow[], measure: Measure): number {
  return rows.reduce((sum, row) => sum + row[measure], 0);
}

export interface TaskUsage {
  /** Null: the task has been deleted. */
  task: string | null;
  taskId: string;
  rows: UsageRow[];
}

/** The rows of each task, the most used first. */
export function rowsByTask(rows: UsageRow[]): TaskUsage[] {
  const tasks = new Map<string, TaskUsage>();
  for (const row of rows) {
    const known = tasks.get(row.task_id);
    if (known) known.rows.push(row);
    else tasks.set(row.task_id, { task: row.task, taskId: row.task_id, rows: [row] });
  }
  return [...tasks.values()].sort((a, b) => total(b.rows, "num_texts") - total(a.rows, "num_texts"));
}

export interface KeyUsage {
  /** Null: the key has been deleted. */
  key: string | null;
  keyId: string;
  rows: UsageRow[];
}

/** The rows of each key, of an answer by key; the most used first. */
export function rowsByKey(rows: UsageRow[]): KeyUsage[] {
  const keys = new Map<string, KeyUsage>();
  for (const row of rows) {
    const keyId = row.key_id ?? "";
    const known = keys.get(keyId);
    if (known) known.rows.push(row);
    else keys.set(keyId, { key: row.key, keyId, rows: [row] });
  }
  return [...keys.values()].sort((a, b) => total(b.rows, "num_texts") - total(a.rows, "num_texts"));
}
