/** Whether a version may have a private leaf, and of what size: of tasks in a shared domain. */

import { Checkbox, Group, NativeSelect } from "@mantine/core";

const usualMb = 4;
const sizesMb = [1, 2, 4, 8];

export function LeafChoice({ leafMb, onChange }: { leafMb: number; onChange: (leafMb: number) => void }) {
  return (
    <Group align="flex-start" justify="space-between" gap="sm">
      <Checkbox
        label="Try a private leaf"
        description="A part of PLOT for this task alone, of the n-grams that the shared domain does not know. It trains a second time, and keeps the leaf where that gains 0.3 points or more."
        checked={leafMb > 0}
        onChange={(event) => onChange(event.currentTarget.checked ? usualMb : 0)}
        style={{ flex: "1 1 280px" }}
      />
      {leafMb > 0 && (
        <NativeSelect
          label="Size of the leaf"
          value={String(leafMb)}
          onChange={(event) => onChange(Number(event.currentTarget.value))}
          data={sizesMb.map((size) => ({ value: String(size), label: `up to ${size} MB` }))}
        />
      )}
    </Group>
  );
}
