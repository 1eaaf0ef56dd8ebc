import { expect, it } from "vitest";

import { phaseWords } from "./phases";

it("waits only while it is queued, whatever phase it was in before", () => {
  expect(phaseWords({ state: "queued", phase: "" })).toBe("Waiting for its turn");
  expect(phaseWords({ state: "queued", phase: "training" })).toBe("Waiting for its turn");
  expect(phaseWords({ state: "running", phase: "" })).toBe("Starting");
  expect(phaseWords({ state: "running", phase: "training" })).toBe("Training the adapter");
});
