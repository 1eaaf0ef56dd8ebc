import { expect, it } from "vitest";

import { endOf, startOf } from "./days";

it("takes a day from its first moment here to the next day's", () => {
  expect(startOf("2026-01-31")).toBe(new Date(2026, 0, 31).toISOString());
  expect(endOf("2026-01-31")).toBe(new Date(2026, 1, 1).toISOString());
});

it.each(["", "0002-01-31", "20261-01-31", "soon"])("waits for more than %j", (day) => {
  expect(startOf(day)).toBeUndefined();
  expect(endOf(day)).toBeUndefined();
});
