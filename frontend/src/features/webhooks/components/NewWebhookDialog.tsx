/** Makes a webhook and shows its signing secret once. */

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { WebhookCreated } from "@/lib/types";

import { useCreateWebhook } from "../api/create-webhook";
import { webhookEvents } from "../events";
import { EventChoice } from "./EventChoice";
import { WebhookSecretDialog } from "./WebhookSecretDialog";

interface Props {
  tenant: string;
  opened: boolean;
  onClose: () => void;
}

export function NewWebhookDialog({ tenant, opened, onClose }: Props) {
  return (
    <WebhookSecretDialog opened={opened} onClose={onClose} title="New webhook">
      {(onCreated) => <NewWebhookForm tenant={tenant} onCreated={onCreated} />}
    </WebhookSecretDialog>
  );
}

function NewWebhookForm({
  tenant,
  onCreated,
}: {
  tenant: string;
  onCreated: (created: WebhookCreated) => void;
}) {
  const create = useCreateWebhook(tenant);
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState(webhookEvents.map(({ event }) => event));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(create.mutateAsync({ name: name.trim(), url: url.trim(), events }), onCreated);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {create.isError && <ErrorNotice error={create.error} title="The webhook was not made" />}
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
          <Button type="submit" loading={create.isPending} disabled={events.length === 0}>
            Make webhook
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
