import { expect, it } from "vitest";

import { actorWords, changeWords, detailWords } from "./words";

it("tells a change in a sentence, and one that it does not know by its code", () => {
  expect(changeWords("key.create")).toBe("API key made");
  expect(changeWords("deployment.hold")).toBe("Deployment held on an older tree");
  expect(changeWords("user.mfa_add")).toBe("User: mfa add");
});

it("names people by their address, and HMI's own doing as such", () => {
  expect(actorWords("user:ada@acme.example")).toBe("ada@acme.example");
  expect(actorWords("job:6a1f0000-0000-4000-8000-000000000003")).toBe("HMI, by itself");
  expect(actorWords("key:6a1f0000-0000-4000-8000-000000000003")).toBe("API key 6a1f0000");
});

it("shortens ids and digests in details", () => {
  const details = {
    sha256: "ab".repeat(32),
    digest: `sha256:${"cd".repeat(32)}`,
    fixes: ["drop:empty_texts", "drop:empty_labels"],
    task: null,
  };
  expect(detailWords(details)).toBe(
    "sha256: abababababab, digest: cdcdcdcdcdcd, fixes: drop:empty_texts; drop:empty_labels, task: none",
  );
});
