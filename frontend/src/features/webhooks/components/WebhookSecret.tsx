/** A signing secret, shown this once. */

import { Alert, Button, Group, Stack } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";

import { CopyField } from "@/components/ui/CopyField";
import type { WebhookCreated } from "@/lib/types";

export function WebhookSecret({ created, onClose }: { created: WebhookCreated; onClose: () => void }) {
  return (
    <Stack>
      <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />}>
        Copy it now: it is shown this once. With it your receiver checks that a message is ours.
      </Alert>
      <CopyField label={created.name} value={created.secret} />
      <Group justify="flex-end">
        <Button onClick={onClose}>I have copied it</Button>
      </Group>
    </Stack>
  );
}
