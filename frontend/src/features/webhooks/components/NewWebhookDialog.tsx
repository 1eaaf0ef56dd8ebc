/** Makes a webhook and shows its signing secret once. */

import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { WebhookCreated } from "@/lib/types";

import { useCreateWebhook } from "../api/create-webhook";
import { webhookEvents } from "../events";
import { EventChoice } from "./EventChoice";
import { WebhookSecret } from "./WebhookSecret";

interface Props {
  tenant: string;
  opened: boolean;
  onClose: () => void;
}

export function NewWebhookDialog({ tenant, opened, onClose }: Props) {
  const [created, setCreated] = useState<WebhookCreated | null>(null);
  const close = () => {
    onClose();
    setCreated(null);
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={created ? "Its signing secret" : "New webhook"}
      centered
      closeOnClickOutside={!created}
    >
      {created ? (
        <WebhookSecret created={created} onClose={close} />
      ) : (
        <NewWebhookForm tenant={tenant} onCreated={setCreated} />
      )}
    </Modal>
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
