/** E-mail address and a password of one's choice, for a new account. */

import { Button, Stack } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";

import { AddressField, PasswordField } from "./fields";

interface Props {
  /** The address that is known already, of somebody who was invited. */
  address?: string | undefined;
  error: Error | null;
  isPending: boolean;
  onSubmit: (person: { email: string; password: string }) => void;
}

export function AddressAndPasswordForm({ address = "", error, isPending, onSubmit }: Props) {
  const [email, setEmail] = useState(address);
  const [password, setPassword] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onSubmit({ email: email.trim(), password });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {error && <ErrorNotice error={error} title="There is no account yet" />}
        <AddressField value={email} onChange={setEmail} autoFocus={address === ""} />
        <PasswordField
          description="Long is better than odd: three or four words do well."
          autoComplete="new-password"
          value={password}
          onChange={setPassword}
          autoFocus={address !== ""}
        />
        <Button type="submit" loading={isPending} fullWidth>
          Make the account
        </Button>
      </Stack>
    </form>
  );
}
