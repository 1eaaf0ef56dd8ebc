/** The domains that a new task may use, each with how much of its text it knows already. */

import { Badge, Group, Loader, Radio, Stack, Text } from "@mantine/core";

import { formatPercent } from "@/lib/format";

import { type DomainChoice, idOf } from "../choices";

interface Props {
  choices: DomainChoice[];
  suggested: DomainChoice | undefined;
  /** Whether the text is still compared with the domains. */
  isMeasuring: boolean;
  value: string;
  onChange: (id: string) => void;
}

export function DomainChoiceList({ choices, suggested, isMeasuring, value, onChange }: Props) {
  return (
    <Radio.Group
      label="Domain"
      description="The kind of text. Tasks that read the same kind of text share what HMI learns from it."
      value={value}
      onChange={onChange}
    >
      <Stack gap="xs" mt="sm">
        {choices.map((choice) => (
          <Radio.Card key={idOf(choice)} value={idOf(choice)} p="sm" radius="md">
            <Group wrap="nowrap" align="flex-start" gap="sm">
              <Radio.Indicator />
              <div style={{ flex: 1, minWidth: 0 }}>
                <Group gap="xs">
                  <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
                    {title(choice)}
                  </Text>
                  {!isMeasuring && suggested && idOf(choice) === idOf(suggested) && (
                    <Badge color="teal" variant="light" tt="none">
                      Suggested
                    </Badge>
                  )}
                </Group>
                <Text size="sm" c="dimmed">
                  {words(choice)}
                </Text>
              </div>
            </Group>
          </Radio.Card>
        ))}
        <Text size="sm" c="dimmed" role="status" mih={22}>
          {isMeasuring && (
            <>
              <Loader size={12} mr={6} aria-hidden />
              Comparing your text with the domains. You need not wait for it.
            </>
          )}
        </Text>
      </Stack>
    </Radio.Group>
  );
}

function title(choice: DomainChoice): string {
  if (choice.kind === "new") return "A new domain for this task";
  return choice.kind === "below" ? `A new domain below ${choice.name}` : choice.name;
}

function words(choice: DomainChoice): string {
  const known =
    choice.known === null ? "" : ` Knows ${formatPercent(choice.known, 0)} of your text in its context.`;
  switch (choice.kind) {
    case "new":
      return `Begins with general text and learns from your file. Right for a first task.${known}`;
    case "own":
      return `Your own; learns from your file too.${known}`;
    case "below":
      return `Begins with what the operator taught this shared domain, and learns from your file for you alone.${known}`;
    case "shared":
      return `The shared domain as it stands: it learns nothing from your file. What is special to your texts can be kept in a private part beside it.${known}`;
  }
}
