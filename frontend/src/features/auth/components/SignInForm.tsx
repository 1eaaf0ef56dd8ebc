/** Signing in: address and password, then a code where the account has a second factor. */

import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";

import { useConfirmCode } from "../api/confirm-code";
import { useSignIn } from "../api/sign-in";

export function SignInForm() {
  const signIn = useSignIn();
  return signIn.data === "code_needed" ? <CodeForm /> : <PasswordForm signIn={signIn} />;
}

function PasswordForm({ signIn }: { signIn: ReturnType<typeof useSignIn> }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    signIn.mutate({ email, password });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {signIn.isError && <ErrorNotice error={signIn.error} title="You are not signed in" />}
        <TextInput
          label="E-mail address"
          type="email"
          name="email"
          autoComplete="username"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          required
          withAsterisk={false}
          autoFocus
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          visibilityToggleButtonProps={{ "aria-label": "Show what is typed" }}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          required
          withAsterisk={false}
        />
        <Button type="submit" loading={signIn.isPending} fullWidth>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}

function CodeForm() {
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
        <TextInput
          label="Code"
          description="From your authenticator app, or one of your recovery codes."
          autoComplete="one-time-code"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          required
          withAsterisk={false}
          autoFocus
        />
        <Button type="submit" loading={confirmCode.isPending} fullWidth>
          Go on
        </Button>
      </Stack>
    </form>
  );
}
