/** Setting a new password, from the link of a mail. */

import { Anchor, Button, Stack } from "@mantine/core";
import { type SubmitEvent, useState } from "react";
import { Link } from "react-router";

import { DoneNotice } from "@/components/ui/DoneNotice";
import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { useSetPassword } from "@/features/auth/api/set-password";
import { PasswordField } from "@/features/auth/components/fields";
import { usePageTitle } from "@/lib/page-title";

import { AccountFrame } from "../AccountFrame";
import { paths } from "../paths";
import { useFragment } from "../use-fragment";

export function NewPasswordPage() {
  usePageTitle("New password");
  const key = useFragment();
  const change = useSetPassword();
  const [password, setPassword] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    change.mutate({ key, password });
  };
  return (
    <AccountFrame
      title="New password"
      below={
        <Anchor component={Link} to={change.isSuccess ? paths.signIn : paths.forgottenPassword} size="sm">
          {change.isSuccess ? "Sign in" : "Ask for another link"}
        </Anchor>
      }
    >
      {change.isSuccess ? (
        <DoneNotice title="It is set">Sign in with your new password.</DoneNotice>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            {change.isError && <ErrorNotice error={change.error} title="The password was not set" />}
            <PasswordField
              label="New password"
              autoComplete="new-password"
              value={password}
              onChange={setPassword}
              autoFocus
            />
            <Button type="submit" loading={change.isPending} fullWidth>
              Set it
            </Button>
          </Stack>
        </form>
      )}
    </AccountFrame>
  );
}
