/** A secret that is shown this once. */

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";

import { CopyField } from "@/components/ui/CopyField";
import type { ApiKeyCreated } from "@/lib/types";

export function Secret({ created, onClose }: { created: ApiKeyCreated; onClose: () => void }) {
  return (
    <Stack>
      <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />}>
        Copy it now: it is shown this once. If it gets lost, revoke it and create another.
      </Alert>
      <CopyField label={created.name} value={created.secret} />
      <Text size="sm" c="dimmed">
        Applications send it as the header “Authorization: Bearer …”.
      </Text>
      <Group justify="flex-end">
        <Button onClick={onClose}>I have copied it</Button>
      </Group>
    </Stack>
  );
}
