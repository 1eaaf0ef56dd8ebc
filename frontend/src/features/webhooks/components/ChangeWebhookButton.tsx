/** Changes a webhook's name, its address, and of which events it is told. */

import { Button, Modal, VisuallyHidden } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";

import { afterChange } from "@/lib/after-change";
import type { Webhook } from "@/lib/types";

import { useChangeWebhook } from "../api/change-webhook";
import { WebhookForm } from "./WebhookForm";

export function ChangeWebhookButton({ tenant, webhook }: { tenant: string; webhook: Webhook }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button size="xs" variant="default" onClick={open} aria-haspopup="dialog">
        Change<VisuallyHidden> {webhook.name}</VisuallyHidden>
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Change ${webhook.name}`} centered>
        <ChangeForm tenant={tenant} webhook={webhook} onDone={close} />
      </Modal>
    </>
  );
}

interface FormProps {
  tenant: string;
  webhook: Webhook;
  onDone: () => void;
}

function ChangeForm({ tenant, webhook, onDone }: FormProps) {
  const change = useChangeWebhook(tenant, webhook.id);
  return (
    <WebhookForm
      initial={webhook}
      submitLabel="Save"
      error={change.error}
      errorTitle="Nothing was changed"
      isPending={change.isPending}
      onSubmit={(fields) => afterChange(change.mutateAsync(fields), onDone)}
    />
  );
}
