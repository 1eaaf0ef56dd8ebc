/** Makes a key in place of another, which goes on for a while, and shows the new secret once. */

import { Button, Group, NativeSelect, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { ApiKey, ApiKeyCreated } from "@/lib/types";

import { useRotateKey } from "../api/rotate-key";
import { KeySecretDialog } from "./KeySecretDialog";

const graces = [
  { value: "0", label: "It ends at once" },
  { value: "3600", label: "It works for an hour more" },
  { value: "86400", label: "It works for a day more" },
  { value: "604800", label: "It works for a week more" },
];

export function RotateKeyButton({ tenant, apiKey }: { tenant: string; apiKey: ApiKey }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button
        size="xs"
        variant="default"
        onClick={open}
        aria-haspopup="dialog"
        aria-label={`Rotate ${apiKey.name}`}
      >
        Rotate
      </Button>
      <KeySecretDialog opened={isOpen} onClose={close} title={`Rotate ${apiKey.name}`}>
        {(onRotated) => <RotateForm tenant={tenant} apiKey={apiKey} onRotated={onRotated} />}
      </KeySecretDialog>
    </>
  );
}

interface FormProps {
  tenant: string;
  apiKey: ApiKey;
  onRotated: (created: ApiKeyCreated) => void;
}

function RotateForm({ tenant, apiKey, onRotated }: FormProps) {
  const rotate = useRotateKey(tenant, apiKey.id);
  const [grace, setGrace] = useState("86400");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(rotate.mutateAsync(Number(grace)), onRotated);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {rotate.isError && <ErrorNotice error={rotate.error} title="The key was not rotated" />}
        <NativeSelect
          label="What becomes of the old key"
          description="Long enough for your applications to take the new one."
          value={grace}
          onChange={(event) => setGrace(event.currentTarget.value)}
          data={graces}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={rotate.isPending}>
            Make a new key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
