/** Making an account. */

import { Anchor } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { Link, Navigate, useLocation } from "react-router";

import { DoneNotice } from "@/components/ui/DoneNotice";
import { useMe } from "@/features/auth/api/get-me";
import { useSignUp } from "@/features/auth/api/sign-up";
import { AddressAndPasswordForm } from "@/features/auth/components/AddressAndPasswordForm";
import { usePageTitle } from "@/lib/page-title";

import { AccountFrame } from "../AccountFrame";
import { paths } from "../paths";

export function SignUpPage() {
  usePageTitle("Make an account");
  const me = useMe();
  const signUp = useSignUp();
  const { state } = useLocation() as { state: { from?: string; email?: string } | null };
  if (me.data) return <Navigate to={state?.from ?? "/"} replace />;
  return (
    <AccountFrame
      title="Make an account"
      below={
        <Anchor component={Link} to={paths.signIn} state={state} size="sm">
          I have one: sign in
        </Anchor>
      }
    >
      {signUp.data === "confirm_first" ? (
        <DoneNotice title="Confirm your address" icon={<IconMail aria-hidden />}>
          A mail was sent to you. Open the link in it, then sign in.
        </DoneNotice>
      ) : (
        <AddressAndPasswordForm
          address={state?.email}
          error={signUp.error}
          isPending={signUp.isPending}
          onSubmit={(person) => signUp.mutate(person)}
        />
      )}
    </AccountFrame>
  );
}
