/** What was just asked, as a program would ask it. */

import { SegmentedControl, Stack } from "@mantine/core";
import { useState } from "react";

import { CopyField } from "@/components/ui/CopyField";

import type { TaskKind } from "@/lib/types";

import type { PredictInput } from "../api/predict";
import { callIn, type Language, languages } from "../calls";

interface Props {
  task: string;
  kind: TaskKind;
  inputs: PredictInput[];
  errorLevel: number | null;
}

export function SameCall({ task, kind, inputs, errorLevel }: Props) {
  const [language, setLanguage] = useState<Language>("curl");
  const name = languages.find((each) => each.language === language)?.name ?? language;
  return (
    <Stack gap="xs">
      <SegmentedControl
        size="xs"
        value={language}
        onChange={(value) => setLanguage(value)}
        data={languages.map((each) => ({ value: each.language, label: each.name }))}
        aria-label="Language of the same call"
        style={{ alignSelf: "flex-start" }}
      />
      <CopyField
        label={`The same call with ${name}`}
        value={callIn(language, {
          origin: window.location.origin,
          task,
          kind,
          inputs: inputs.length > 0 ? inputs : [exampleOf(kind)],
          errorLevel,
        })}
      />
    </Stack>
  );
}

function exampleOf(kind: TaskKind): PredictInput {
  return kind === "sentence_pair" ? { text: "Your first text", pair: "Your second text" } : "Your text";
}
