/** Asks who is there before a change to how an account is protected, when the sign-in is some minutes ago. */

import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import { ApiError } from "@/lib/api-error";

import { reauthenticationNeeded } from "../api/accounts";
import { useReauthenticate } from "../api/reauthenticate";
import { CodeField, PasswordField } from "./fields";

export function isReauthenticationNeeded(error: Error | null): boolean {
  return error instanceof ApiError && error.code === reauthenticationNeeded;
}

interface Props {
  opened: boolean;
  hasSecondFactor: boolean;
  onClose: () => void;
  /** Does what was refused again. */
  onDone: () => void;
}

export function ReauthenticateDialog({ opened, hasSecondFactor, onClose, onDone }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Is it you?" centered>
      <ProofForm hasSecondFactor={hasSecondFactor} onDone={onDone} />
    </Modal>
  );
}

function ProofForm({ hasSecondFactor, onDone }: { hasSecondFactor: boolean; onDone: () => void }) {
  const prove = useReauthenticate();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(prove.mutateAsync(hasSecondFactor ? { code: code.trim() } : { password }), onDone);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">Before this change, show once more that it is you.</Text>
        {prove.isError && <ErrorNotice error={prove.error} title="That was not right" />}
        {hasSecondFactor ? (
          <CodeField value={code} onChange={setCode} data-autofocus />
        ) : (
          <PasswordField
            autoComplete="current-password"
            value={password}
            onChange={setPassword}
            data-autofocus
          />
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={prove.isPending}>
            Go on
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
