/** What was just asked, as a program would ask it. */

import { SegmentedControl, Stack } from "@mantine/core";
import { useState } from "react";

import { CopyField } from "@/components/ui/CopyField";

import { callIn, type Language, languages } from "../calls";

interface Props {
  task: string;
  texts: string[];
}

export function SameCall({ task, texts }: Props) {
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
          texts: texts.length > 0 ? texts : ["Your text"],
        })}
      />
    </Stack>
  );
}
