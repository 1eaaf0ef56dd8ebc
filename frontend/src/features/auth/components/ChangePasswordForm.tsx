/** Changing the password of who is signed in. */

import { Alert, Button, Group, Stack } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";

import { useChangePassword } from "../api/change-password";
import { PasswordField } from "./fields";

export function ChangePasswordForm({ email }: { email: string }) {
  const change = useChangePassword();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(change.mutateAsync({ current_password: current, new_password: next }), () => {
      setCurrent("");
      setNext("");
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack maw={420}>
        {change.isError && <ErrorNotice error={change.error} title="The password was not changed" />}
        {change.isSuccess && (
          <Alert color="teal" variant="light" role="status" title="The password is changed">
            Everywhere else you are signed out.
          </Alert>
        )}
        {/* Lets password managers know whose password it is. */}
        <input type="email" autoComplete="username" value={email} readOnly hidden />
        <PasswordField
          label="Current password"
          autoComplete="current-password"
          value={current}
          onChange={setCurrent}
        />
        <PasswordField
          label="New password"
          description="Long is better than odd: three or four words do well."
          autoComplete="new-password"
          value={next}
          onChange={setNext}
        />
        <Group>
          <Button type="submit" variant="default" loading={change.isPending}>
            Change password
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
