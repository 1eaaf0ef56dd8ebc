/** What a webhook is: its name, its address, and of which events it is told. */

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";

import type { WebhookFields } from "../api/change-webhook";
import { EventChoice } from "./EventChoice";

interface Props {
  initial: WebhookFields;
  submitLabel: string;
  error: Error | null;
  errorTitle: string;
  isPending: boolean;
  onSubmit: (fields: WebhookFields) => void;
}

export function WebhookForm({ initial, submitLabel, error, errorTitle, isPending, onSubmit }: Props) {
  const [name, setName] = useState(initial.name);
  const [url, setUrl] = useState(initial.url);
  const [events, setEvents] = useState(initial.events);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onSubmit({ name: name.trim(), url: url.trim(), events });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {error && <ErrorNotice error={error} title={errorTitle} />}
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={200}
          required
          withAsterisk={false}
          data-autofocus
        />
        <TextInput
          label="Address"
          description="Where we send a POST, with https."
          placeholder="https://"
          type="url"
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          required
          withAsterisk={false}
        />
        <EventChoice value={events} onChange={setEvents} />
        <Group justify="flex-end">
          <Button type="submit" loading={isPending} disabled={events.length === 0}>
            {submitLabel}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
