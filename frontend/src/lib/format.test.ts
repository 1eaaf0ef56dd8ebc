import { describe, expect, it } from "vitest";

import {
  formatAbout,
  formatAgo,
  formatBytes,
  formatCount,
  formatDate,
  formatDuration,
  formatValue,
} from "./format";

describe("formats", () => {
  it.each([
    [0, "0 s"],
    [75, "1 min 15 s"],
    [3900, "1 h 5 min"],
  ])("%d seconds as %s", (seconds, words) => expect(formatDuration(seconds)).toBe(words));

  it.each([
    [2, "5 s"],
    [33, "35 s"],
    [106, "2 min"],
    [3900, "1 h 5 min"],
  ])("an estimate of %d seconds as %s", (seconds, words) => expect(formatAbout(seconds)).toBe(words));

  it("says in which zone a time is", () => {
    const [, zone] = /(\S+)$/.exec(new Date().toLocaleTimeString("en", { timeZoneName: "short" })) ?? [];
    expect(zone).toMatch(/[A-Z]/);
    expect(formatDate(new Date().toISOString())).toMatch(new RegExp(`${zone}$`));
  });

  it.each([
    [512, "512 B"],
    [1500, "1.5 kB"],
    [23_400_000, "23 MB"],
  ])("%d bytes as %s", (numBytes, words) => expect(formatBytes(numBytes)).toBe(words));

  it.each([
    [3, "3"],
    [1234.5678, "1,234.568"],
    [0.0123, "0.012"],
    [0.00041, "0.00041"],
    [0, "0"],
    [-0, "0"],
    [5.6e-17, "0"],
  ])("the value %d as %s", (value, words) => expect(formatValue(value)).toBe(words));

  it("counts with the right form of the noun", () => {
    expect([formatCount(1, "row"), formatCount(2225, "row")]).toEqual(["1 row", "2,225 rows"]);
  });

  it("tells how long ago something was", () => {
    const now = Date.parse("2026-01-05T12:00:00Z");
    expect(formatAgo("2026-01-05T11:57:00Z", now)).toBe("3 minutes ago");
    expect(formatAgo("2026-01-03T12:00:00Z", now)).toBe("2 days ago");
  });
});
