/** E-mail address and a password of one's choice, for a new account. */

import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";

interface Props {
  error: Error | null;
  isPending: boolean;
  onSubmit: (person: { email: string; password: string }) => void;
}

export function AddressAndPasswordForm({ error, isPending, onSubmit }: Props) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onSubmit({ email: email.trim(), password });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {error && <ErrorNotice error={error} title="There is no account yet" />}
        <TextInput
          label="E-mail address"
          type="email"
          autoComplete="username"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          required
          withAsterisk={false}
          autoFocus
        />
        <PasswordInput
          label="Password"
          description="Long is better than odd: three or four words do well."
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": "Show what is typed" }}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          required
          withAsterisk={false}
        />
        <Button type="submit" loading={isPending} fullWidth>
          Make the account
        </Button>
      </Stack>
    </form>
  );
}
