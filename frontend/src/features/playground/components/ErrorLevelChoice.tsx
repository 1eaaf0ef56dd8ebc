/** How often an answer may be wrong: with a level answers are sets of labels, and several mean "not sure". */

import { NativeSelect } from "@mantine/core";

import { formatPercent } from "@/lib/format";

const levels = [0.01, 0.02, 0.05, 0.1, 0.2];
const never = "never";

interface Props {
  value: number | null;
  onChange: (level: number | null) => void;
}

export function ErrorLevelChoice({ value, onChange }: Props) {
  return (
    <NativeSelect
      label="When it may say “not sure”"
      description={
        value === null
          ? undefined
          : `The right label is missing from at most ${formatPercent(value, 0)} of the answers, on texts like those of its training.`
      }
      value={value === null ? never : String(value)}
      onChange={({ currentTarget }) =>
        onChange(currentTarget.value === never ? null : Number(currentTarget.value))
      }
      data={[
        { value: never, label: "Never: always one label" },
        ...levels.map((level) => ({
          value: String(level),
          label: `To be wrong in at most ${formatPercent(level, 0)} of cases`,
        })),
      ]}
    />
  );
}
