/** Signing in: address and password, then a code where the account has a second factor. */

import { Anchor, Button, Stack } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";

import { useConfirmCode } from "../api/confirm-code";
import { useSignIn } from "../api/sign-in";
import { AddressField, CodeField, PasswordField } from "./fields";

interface Props {
  /** The address that is known already, of somebody who was invited. */
  address?: string | undefined;
}

export function SignInForm({ address }: Props) {
  const signIn = useSignIn();
  return signIn.data === "code_needed" ? (
    <CodeForm onBack={signIn.reset} />
  ) : (
    <PasswordForm signIn={signIn} address={address} />
  );
}

function PasswordForm({ signIn, address = "" }: Props & { signIn: ReturnType<typeof useSignIn> }) {
  const [email, setEmail] = useState(address);
  const [password, setPassword] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    signIn.mutate({ email, password });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {signIn.isError && <ErrorNotice error={signIn.error} title="You are not signed in" />}
        <AddressField value={email} onChange={setEmail} autoFocus={address === ""} />
        <PasswordField
          name="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
          autoFocus={address !== ""}
        />
        <Button type="submit" loading={signIn.isPending} fullWidth>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}

function CodeForm({ onBack }: { onBack: () => void }) {
  const confirmCode = useConfirmCode();
  const [code, setCode] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    confirmCode.mutate(code.trim());
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {confirmCode.isError && <ErrorNotice error={confirmCode.error} title="The code was not accepted" />}
        <CodeField value={code} onChange={setCode} autoFocus />
        <Button type="submit" loading={confirmCode.isPending} fullWidth>
          Go on
        </Button>
        <Anchor component="button" type="button" size="sm" onClick={onBack}>
          Start again with the password
        </Anchor>
      </Stack>
    </form>
  );
}
