/** A dialog that makes something with a secret, and then shows the secret, this once. */

import { Alert, Button, Group, Modal, Stack } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";

import { CopyField } from "./CopyField";

interface Made {
  name: string;
  secret: string;
}

interface Props {
  opened: boolean;
  title: string;
  /** The title once it is made. */
  madeTitle: string;
  /** What the secret is for, or what to do when it gets lost. */
  advice: string;
  /** Below the secret: how it is used. */
  usage?: ReactNode;
  onClose: () => void;
  /** The form. */
  children: (onMade: (made: Made) => void) => ReactNode;
}

export function SecretDialog({ opened, title, madeTitle, advice, usage, onClose, children }: Props) {
  const [made, setMade] = useState<Made | null>(null);
  const close = () => {
    onClose();
    setMade(null);
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={made ? madeTitle : title}
      centered
      // A stray click must not throw away the only sight of the secret.
      closeOnClickOutside={!made}
    >
      {made ? (
        <Stack>
          <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />}>
            Copy it now: it is shown this once. {advice}
          </Alert>
          <CopyField label={made.name} value={made.secret} />
          {usage}
          <Group justify="flex-end">
            <Button onClick={close}>I have copied it</Button>
          </Group>
        </Stack>
      ) : (
        children(setMade)
      )}
    </Modal>
  );
}
