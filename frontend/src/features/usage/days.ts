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

/** The rows as a CSV file's text, one line per task and day. */
export function usageCsv(rows: UsageRow[]): string {
  const columns = [
    "day",
    "task",
    "task_id",
    "num_requests",
    "num_texts",
    "num_tokens",
    "num_truncated",
  ] as const;
  const lines = rows.map((row) => columns.map((column) => row[column] ?? "").join(","));
  return [columns.join(","), ...lines, ""].join("\r\n");
}
