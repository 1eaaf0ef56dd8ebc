/** Signing in; whoever is signed in already goes on to where they came from. */

import { Center, Paper, Stack, Text, Title } from "@mantine/core";
import { Navigate, useLocation } from "react-router";

import { useMe } from "@/features/auth/api/get-me";
import { SignInForm } from "@/features/auth/components/SignInForm";
import { usePageTitle } from "@/lib/page-title";

import { OfflineNotice } from "../OfflineNotice";

export function SignInPage() {
  usePageTitle("Sign in");
  const me = useMe();
  const { state } = useLocation() as { state: { from?: string } | null };
  if (me.data) return <Navigate to={state?.from ?? "/"} replace />;
  return (
    <Center mih="100vh" p="md" component="main">
      <Stack w="100%" maw={380} gap="lg">
        <div>
          <Title order={1} size="h2">
            Sign in to HMI
          </Title>
          <Text c="dimmed">Your own language models: upload, train, deploy, call.</Text>
        </div>
        <OfflineNotice />
        <Paper withBorder p="lg" radius="md">
          <SignInForm />
        </Paper>
      </Stack>
    </Center>
  );
}
