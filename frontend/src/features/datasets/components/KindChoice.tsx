/** What a model is to decide, which says what the file's rows are labelled with. */

import { Group, Radio, SimpleGrid, Text } from "@mantine/core";

import { kindChoices } from "@/lib/task-kinds";
import type { TaskKind } from "@/lib/types";

interface Props {
  label: string;
  value: TaskKind;
  onChange: (kind: TaskKind) => void;
}

export function KindChoice({ label, value, onChange }: Props) {
  return (
    <Radio.Group label={label} value={value} onChange={(kind) => onChange(kind)}>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xs" mt={6}>
        {kindChoices.map(({ kind, title, example }) => (
          <Radio.Card key={kind} value={kind} p="sm" radius="md" aria-label={`${title}. ${example}`}>
            <Group wrap="nowrap" align="flex-start" gap="sm">
              <Radio.Indicator />
              <div>
                <Text size="sm" fw={600}>
                  {title}
                </Text>
                <Text size="xs" c="dimmed">
                  {example}
                </Text>
              </div>
            </Group>
          </Radio.Card>
        ))}
      </SimpleGrid>
    </Radio.Group>
  );
}
