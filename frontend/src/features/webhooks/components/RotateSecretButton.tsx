/** Makes a new signing secret in place of the old one, which signs too for a day, and shows it once. */

import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { Webhook, WebhookCreated } from "@/lib/types";

import { useRotateSecret } from "../api/rotate-secret";
import { WebhookSecret } from "./WebhookSecret";

export function RotateSecretButton({ tenant, webhook }: { tenant: string; webhook: Webhook }) {
  const rotate = useRotateSecret(tenant, webhook.id);
  const [isOpen, { open, close }] = useDisclosure(false);
  const [created, setCreated] = useState<WebhookCreated | null>(null);
  const finish = () => {
    close();
    setCreated(null);
    rotate.reset();
  };
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
      <Modal
        opened={isOpen}
        onClose={finish}
        title={created ? "Its new signing secret" : `A new secret for ${webhook.name}?`}
        centered
        closeOnClickOutside={!created}
      >
        {created ? (
          <WebhookSecret created={created} onClose={finish} />
        ) : (
          <Stack>
            {rotate.isError && <ErrorNotice error={rotate.error} title="The secret was not changed" />}
            <Text size="sm">
              Messages are signed with both for 24 hours, so that your receiver can take the new one without
              losing any.
            </Text>
            <Group justify="flex-end">
              <Button
                loading={rotate.isPending}
                onClick={() => afterChange(rotate.mutateAsync(), setCreated)}
              >
                Make a new secret
              </Button>
            </Group>
          </Stack>
        )}
      </Modal>
    </>
  );
}
