/** The account of who is signed in: password, second factor, sessions. */

import { Anchor, Container, Group, Stack } from "@mantine/core";
import { Link } from "react-router";

import { PageHeader } from "@/components/ui/PageHeader";
import { Section } from "@/components/ui/Section";
import { ChangePasswordForm } from "@/features/auth/components/ChangePasswordForm";
import { SecondFactor } from "@/features/auth/components/SecondFactor";
import { SessionList } from "@/features/auth/components/SessionList";
import { usePageTitle } from "@/lib/page-title";

import { AccountMenu } from "../AccountMenu";
import { Brand } from "../Brand";
import { OfflineNotice } from "../OfflineNotice";
import { useSignedIn } from "../SignedIn";

export function AccountPage() {
  usePageTitle("Your account");
  const { user } = useSignedIn();
  return (
    <Container size="sm" py="sm">
      <Group component="header" justify="space-between" mb="lg">
        <Brand />
        <AccountMenu user={user} />
      </Group>
      <Stack component="main" gap="lg">
        <OfflineNotice />
        <PageHeader title="Your account" description={user.email} />
        <Section title="Second factor">
          <SecondFactor />
        </Section>
        <Section title="Password" description="You are told by mail when it is changed.">
          <ChangePasswordForm email={user.email} />
        </Section>
        <Section title="Where you are signed in">
          <SessionList />
        </Section>
        <Anchor component={Link} to="/" size="sm">
          To the start page
        </Anchor>
      </Stack>
    </Container>
  );
}
