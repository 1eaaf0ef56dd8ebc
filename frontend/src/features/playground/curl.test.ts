import { expect, it } from "vitest";

import { curlCommand } from "./curl";

it("quotes texts so that a shell hands them on unchanged", () => {
  expect(curlCommand("http://hmi.example", "mail-topics", `It's "late", $HOME`)).toBe(
    [
      "curl http://hmi.example/v1/tasks/mail-topics/predict",
      `-H "Authorization: Bearer $HMI_KEY"`,
      `-H "Content-Type: application/json"`,
      `-d '{"inputs":["It'\\''s \\"late\\", $HOME"]}'`,
    ].join(" \\\n  "),
  );
});
