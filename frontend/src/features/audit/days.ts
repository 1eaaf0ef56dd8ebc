/** Days of the reader's calendar as times of the API. */

/** When a day (2026-01-31) begins here; undefined for none, and for a year that is still being typed. */
export function startOf(day: string): string | undefined {
  return timeOf(day, 0);
}

/** When the day after it begins. */
export function endOf(day: string): string | undefined {
  return timeOf(day, 1);
}

function timeOf(day: string, daysLater: number): string | undefined {
  const parts = /^([12]\d{3})-(\d\d)-(\d\d)$/.exec(day);
  if (!parts) return undefined;
  const [year, month, date] = parts.slice(1).map(Number) as [number, number, number];
  return new Date(year, month - 1, date + daysLater).toISOString();
}
