/** Changes of which events a webhook is told. */

import { Button, Group, Modal, Stack, VisuallyHidden } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { Webhook } from "@/lib/types";

import { useChangeWebhook } from "../api/change-webhook";
import { EventChoice } from "./EventChoice";

export function ChangeEventsButton({ tenant, webhook }: { tenant: string; webhook: Webhook }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button size="xs" variant="default" onClick={open} aria-haspopup="dialog">
        Events<VisuallyHidden> of {webhook.name}</VisuallyHidden>
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Events of ${webhook.name}`} centered>
        <EventsForm tenant={tenant} webhook={webhook} onDone={close} />
      </Modal>
    </>
  );
}

interface FormProps {
  tenant: string;
  webhook: Webhook;
  onDone: () => void;
}

function EventsForm({ tenant, webhook, onDone }: FormProps) {
  const change = useChangeWebhook(tenant, webhook.id);
  const [events, setEvents] = useState(webhook.events);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(change.mutateAsync({ events }), onDone);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {change.isError && <ErrorNotice error={change.error} title="Nothing was changed" />}
        <EventChoice value={events} onChange={setEvents} />
        <Group justify="flex-end">
          <Button type="submit" loading={change.isPending} disabled={events.length === 0}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
