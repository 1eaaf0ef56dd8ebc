/** Asking for a mail with which to set a new password. */

import { Anchor, Button, Stack } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { type SubmitEvent, useState } from "react";
import { Link } from "react-router";

import { DoneNotice } from "@/components/ui/DoneNotice";
import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { useRequestReset } from "@/features/auth/api/request-reset";
import { AddressField } from "@/features/auth/components/fields";
import { usePageTitle } from "@/lib/page-title";

import { AccountFrame } from "../AccountFrame";
import { paths } from "../paths";

export function ForgottenPasswordPage() {
  usePageTitle("Forgotten password");
  const request = useRequestReset();
  const [email, setEmail] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    request.mutate(email.trim());
  };
  return (
    <AccountFrame
      title="Forgotten the password?"
      below={
        <Anchor component={Link} to={paths.signIn} size="sm">
          Back to signing in
        </Anchor>
      }
    >
      {request.isSuccess ? (
        <DoneNotice title="Look into your mail" icon={<IconMail aria-hidden />}>
          If there is an account with this address, a link to set a new password is on its way.
        </DoneNotice>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            {request.isError && <ErrorNotice error={request.error} title="No mail was sent" />}
            <AddressField value={email} onChange={setEmail} autoFocus />
            <Button type="submit" loading={request.isPending} fullWidth>
              Send me a link
            </Button>
          </Stack>
        </form>
      )}
    </AccountFrame>
  );
}
