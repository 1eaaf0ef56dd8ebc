/** Numbers, times and sizes as people read them. */

const numbers = new Intl.NumberFormat("en");
const dates = new Intl.DateTimeFormat("en", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
  timeZoneName: "short",
});
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function formatNumber(value: number): string {
  return numbers.format(value);
}

const values = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const smallValues = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
/** Of sums and means that are 0 but for their last bits. */
const roundingNoise = 1e-12;

/**
 * A number in the units of somebody's data: as many digits as it has, three after the point at most, and two that tell
 * something of small ones, which else would all be 0.
 */
export function formatValue(value: number): string {
  if (Math.abs(value) < roundingNoise) return "0";
  return (Math.abs(value) < 0.01 ? smallValues : values).format(value);
}

/** `formatCount(1, "row")` is "1 row", `formatCount(2, "row")` is "2 rows". */
export function formatCount(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A share between 0 and 1 as a percentage. */
export function formatPercent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)}%`;
}

export function formatBytes(numBytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let value = numBytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : value.toFixed(0)} ${units[unit] ?? ""}`;
}

/** Seconds as "12 s", "3 min 20 s" or "1 h 5 min". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, min, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (h > 0) return `${h} h ${min} min`;
  if (min > 0) return `${min} min ${s} s`;
  return `${s} s`;
}

/** Seconds that were only estimated: "20 s", "2 min" or "1 h 5 min". */
export function formatAbout(seconds: number): string {
  if (seconds < 50) return formatDuration(Math.max(5, Math.round(seconds / 5) * 5));
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 60 ? `${minutes} min` : formatDuration(minutes * 60);
}

/** An ISO time in the reader's time zone, which is named. */
export function formatDate(iso: string): string {
  return dates.format(new Date(iso));
}

const days = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });

/** A day of the API (2026-01-31) as "Jan 31". */
export function formatDay(day: string): string {
  return days.format(new Date(day));
}

const times = new Intl.DateTimeFormat("en", {
  weekday: "short",
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});

/** An ISO time of the last days as "Tue 14:00", in the reader's time zone. */
export function formatTime(iso: string): string {
  return times.format(new Date(iso));
}

const clock = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** An ISO time as "14:03:27", in the reader's time zone. */
export function formatClock(iso: string): string {
  return clock.format(new Date(iso));
}

/** An ISO time as "3 minutes ago". */
export function formatAgo(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const steps = [
    [60, 1, "second"],
    [3600, 60, "minute"],
    [86_400, 3600, "hour"],
    [Infinity, 86_400, "day"],
  ] as const;
  const [, size, unit] = steps.find(([limit]) => Math.abs(seconds) < limit) ?? steps[3];
  return relative.format(Math.trunc(seconds / size), unit);
}
