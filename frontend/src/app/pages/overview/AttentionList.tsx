/** What should be looked at, each with the way there. */

import { Button, Group, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { Link } from "react-router";

import type { Attention } from "./attention";

export function AttentionList({ items }: { items: Attention[] }) {
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
      {items.map(({ color, title, words, to, action }) => (
        <Group key={title} component="li" wrap="nowrap" gap="sm" align="flex-start">
          <ThemeIcon color={color} variant="light" size={32} radius="xl" aria-hidden>
            {color === "blue" ? <IconInfoCircle size={18} /> : <IconAlertTriangle size={18} />}
          </ThemeIcon>
          <div style={{ flex: 1, minWidth: 0 }}>
            <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
              {title}
            </Text>
            <Text size="sm" c="dimmed">
              {words}
            </Text>
          </div>
          <Button
            component={Link}
            to={to}
            size="xs"
            variant="default"
            style={{ flexShrink: 0 }}
            aria-label={`${action}: ${title}`}
          >
            {action}
          </Button>
        </Group>
      ))}
    </Stack>
  );
}
