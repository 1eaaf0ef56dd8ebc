/** Where one stands in a row of steps; on a phone the step's name alone, with its number. */

import { Group, Progress, Text, ThemeIcon, VisuallyHidden } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";

interface Props {
  names: readonly string[];
  /** Index of the step at hand; those before are done. */
  current: number;
}

export function Steps({ names, current }: Props) {
  return (
    <nav aria-label="Steps">
      <Group component="ol" gap="lg" p={0} m={0} visibleFrom="sm" style={{ listStyle: "none" }}>
        {names.map((name, index) => (
          <Group
            key={name}
            component="li"
            gap={8}
            wrap="nowrap"
            {...(index === current && { "aria-current": "step" as const })}
          >
            <ThemeIcon
              size={26}
              radius="xl"
              variant={index === current ? "filled" : "light"}
              color={index < current ? "teal" : index === current ? "cyan" : "gray"}
              aria-hidden
            >
              {index < current ? <IconCheck size={14} /> : <Text size="xs">{index + 1}</Text>}
            </ThemeIcon>
            <Text size="sm" fw={index === current ? 700 : 400} {...(index > current && { c: "dimmed" })}>
              {name}
              {index < current && <VisuallyHidden> (done)</VisuallyHidden>}
            </Text>
          </Group>
        ))}
      </Group>
      <div aria-hidden>
        <Text size="sm" fw={600} hiddenFrom="sm" mb={6}>
          Step {current + 1} of {names.length}: {names[current]}
        </Text>
        <Progress value={(100 * (current + 1)) / names.length} size="sm" hiddenFrom="sm" />
      </div>
    </nav>
  );
}
