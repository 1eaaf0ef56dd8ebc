/** Makes a webhook and shows its signing secret once. */

import { afterChange } from "@/lib/after-change";
import type { WebhookCreated } from "@/lib/types";

import { useCreateWebhook } from "../api/create-webhook";
import { webhookEvents } from "../events";
import { WebhookForm } from "./WebhookForm";
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

interface FormProps {
  tenant: string;
  onCreated: (created: WebhookCreated) => void;
}

function NewWebhookForm({ tenant, onCreated }: FormProps) {
  const create = useCreateWebhook(tenant);
  return (
    <WebhookForm
      initial={{ name: "", url: "", events: webhookEvents.map(({ event }) => event) }}
      submitLabel="Make webhook"
      error={create.error}
      errorTitle="The webhook was not made"
      isPending={create.isPending}
      onSubmit={(fields) => afterChange(create.mutateAsync(fields), onCreated)}
    />
  );
}
