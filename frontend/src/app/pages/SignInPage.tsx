/** Signing in; whoever is signed in already goes on to where they came from. */

import { Anchor, Group } from "@mantine/core";
import { Link, Navigate, useLocation } from "react-router";

import { useMe } from "@/features/auth/api/get-me";
import { SignInForm } from "@/features/auth/components/SignInForm";
import { usePageTitle } from "@/lib/page-title";

import { AccountFrame } from "../AccountFrame";
import { paths } from "../paths";

export function SignInPage() {
  usePageTitle("Sign in");
  const me = useMe();
  const { state } = useLocation() as { state: { from?: string; email?: string } | null };
  if (me.data) return <Navigate to={state?.from ?? "/"} replace />;
  return (
    <AccountFrame
      title="Sign in to HMI"
      words="Your own language models: upload, train, deploy, call."
      below={
        <Group justify="space-between">
          <Anchor component={Link} to={paths.signUp} state={state} size="sm">
            Make an account
          </Anchor>
          <Anchor component={Link} to={paths.forgottenPassword} size="sm">
            Forgotten the password?
          </Anchor>
        </Group>
      }
    >
      <SignInForm address={state?.email} />
    </AccountFrame>
  );
}
