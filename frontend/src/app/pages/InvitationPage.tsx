/** Accepting an invitation, from the link of a mail. */

import { Alert, Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { Link } from "react-router";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { QueryView } from "@/components/ui/QueryView";
import { useMe } from "@/features/auth/api/get-me";
import { useAcceptInvitation, useInvitationOffer } from "@/features/auth/api/invitation";
import { useSignOut } from "@/features/auth/api/sign-out";
import { afterChange } from "@/lib/after-change";
import { formatDate } from "@/lib/format";
import { usePageTitle } from "@/lib/page-title";
import type { InvitationOffer } from "@/lib/types";

import { AccountFrame } from "../AccountFrame";
import { paths } from "../paths";
import { useFragment } from "../use-fragment";
import { useLeadOn } from "../use-lead-on";

export function InvitationPage() {
  usePageTitle("Invitation");
  const token = useFragment();
  const offer = useInvitationOffer(token);
  return (
    <AccountFrame title="You are invited">
      <QueryView query={offer} height={140}>
        {(loaded) => <Offer token={token} offer={loaded} />}
      </QueryView>
    </AccountFrame>
  );
}

function Offer({ token, offer }: { token: string; offer: InvitationOffer }) {
  const me = useMe();
  return (
    <Stack>
      <Text>
        Join <strong>{offer.tenant}</strong> as {offer.role}, with the address {offer.email}. The invitation
        ends {formatDate(offer.expires_at)}.
      </Text>
      <QueryView query={me} height={40}>
        {(signedIn) => {
          if (!signedIn) return <SignFirst token={token} email={offer.email} />;
          const isSamePerson = signedIn.user.email.toLowerCase() === offer.email.toLowerCase();
          return isSamePerson ? <Accept token={token} /> : <OtherPerson email={signedIn.user.email} />;
        }}
      </QueryView>
    </Stack>
  );
}

function SignFirst({ token, email }: { token: string; email: string }) {
  const back = { from: `/invitation#${encodeURIComponent(token)}`, email };
  return (
    <>
      <Button component={Link} to={paths.signUp} state={back}>
        Make an account with this address
      </Button>
      <Anchor component={Link} to={paths.signIn} state={back} size="sm">
        I have one: sign in
      </Anchor>
    </>
  );
}

function OtherPerson({ email }: { email: string }) {
  const signOut = useSignOut();
  return (
    <Alert color="yellow" variant="light" title="It is for another address">
      You are signed in as {email}.
      <Group mt="sm">
        <Button size="xs" variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
          Sign out
        </Button>
      </Group>
    </Alert>
  );
}

function Accept({ token }: { token: string }) {
  const accept = useAcceptInvitation();
  const leadOn = useLeadOn();
  return (
    <>
      {accept.isError && <ErrorNotice error={accept.error} title="You have not joined" />}
      <Button
        loading={accept.isPending}
        onClick={() =>
          afterChange(accept.mutateAsync(token), ({ tenant }) => leadOn(paths.overview(tenant.slug)))
        }
      >
        Join
      </Button>
    </>
  );
}
