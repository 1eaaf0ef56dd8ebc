/** Makes a new signing secret in place of the old one, which signs too for a day, and shows it once. */

import { Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { Webhook, WebhookCreated } from "@/lib/types";

import { useRotateSecret } from "../api/rotate-secret";
import { WebhookSecretDialog } from "./WebhookSecretDialog";

export function RotateSecretButton({ tenant, webhook }: { tenant: string; webhook: Webhook }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button
        size="xs"
        variant="default"
        onClick={open}
        aria-haspopup="dialog"
        aria-label={`New secret of ${webhook.name}`}
      >
        New secret
      </Button>
      <WebhookSecretDialog opened={isOpen} onClose={close} title={`A new secret for ${webhook.name}?`}>
        {(onRotated) => <RotateForm tenant={tenant} webhook={webhook} onRotated={onRotated} />}
      </WebhookSecretDialog>
    </>
  );
}

interface FormProps {
  tenant: string;
  webhook: Webhook;
  onRotated: (created: WebhookCreated) => void;
}

function RotateForm({ tenant, webhook, onRotated }: FormProps) {
  const rotate = useRotateSecret(tenant, webhook.id);
  return (
    <Stack>
      {rotate.isError && <ErrorNotice error={rotate.error} title="The secret was not changed" />}
      <Text size="sm">
        Messages are signed with both for 24 hours, so that your receiver can take the new one without losing
        any.
      </Text>
      <Group justify="flex-end">
        <Button loading={rotate.isPending} onClick={() => afterChange(rotate.mutateAsync(), onRotated)}>
          Make a new secret
        </Button>
      </Group>
    </Stack>
  );
}
