/** Makes a key by its form, and shows the key this once. */

import { Text } from "@mantine/core";
import type { ReactNode } from "react";

import { SecretDialog } from "@/components/ui/SecretDialog";
import type { ApiKeyCreated } from "@/lib/types";

interface Props {
  opened: boolean;
  title: string;
  onClose: () => void;
  children: (onMade: (made: ApiKeyCreated) => void) => ReactNode;
}

export function KeySecretDialog(props: Props) {
  return (
    <SecretDialog
      {...props}
      madeTitle="Your new key"
      advice="If it gets lost, revoke it and create another."
      usage={
        <Text size="sm" c="dimmed">
          Applications send it as the header “Authorization: Bearer …”.
        </Text>
      }
    />
  );
}
