/** Of which events a webhook is told. */

import { Checkbox, Stack } from "@mantine/core";

import type { WebhookEvent } from "@/lib/types";

import { webhookEvents } from "../events";

interface Props {
  value: WebhookEvent[];
  onChange: (events: WebhookEvent[]) => void;
}

export function EventChoice({ value, onChange }: Props) {
  return (
    <Checkbox.Group
      label="Tell it when"
      value={value}
      // In the order of the list, whatever was ticked first.
      onChange={(chosen) =>
        onChange(webhookEvents.map(({ event }) => event).filter((event) => chosen.includes(event)))
      }
    >
      <Stack gap={6} mt={6}>
        {webhookEvents.map(({ event, words }) => (
          <Checkbox key={event} value={event} label={words} />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}
