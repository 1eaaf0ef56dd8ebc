/** Confirming an e-mail address, from the link of a mail. A click, since mail programs open links by themselves. */

import { Anchor, Button, Stack, Text } from "@mantine/core";
import { Link } from "react-router";

import { DoneNotice } from "@/components/ui/DoneNotice";
import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { useConfirmEmail } from "@/features/auth/api/confirm-email";
import { usePageTitle } from "@/lib/page-title";

import { AccountFrame } from "../AccountFrame";
import { useFragment } from "../use-fragment";

export function ConfirmEmailPage() {
  usePageTitle("Confirm your address");
  const key = useFragment();
  const confirm = useConfirmEmail();
  return (
    <AccountFrame
      title="Confirm your address"
      below={
        <Anchor component={Link} to="/" size="sm">
          To the start page
        </Anchor>
      }
    >
      {confirm.isSuccess ? (
        <DoneNotice title="Confirmed">Your address is confirmed. Go on to the start page.</DoneNotice>
      ) : (
        <Stack>
          {confirm.isError && <ErrorNotice error={confirm.error} title="The address was not confirmed" />}
          <Text size="sm">One click, and we know that this address is yours.</Text>
          <Button loading={confirm.isPending} onClick={() => confirm.mutate(key)} fullWidth>
            Confirm
          </Button>
        </Stack>
      )}
    </AccountFrame>
  );
}
