/** Lets only signed-in people through, and gives the pages below who it is. */

import { Center, Container, Loader } from "@mantine/core";
import { Activity, useState } from "react";
import { Navigate, Outlet, useLocation, useOutletContext } from "react-router";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { useMe } from "@/features/auth/api/get-me";
import { SignInForm } from "@/features/auth/components/SignInForm";
import { usePageTitle } from "@/lib/page-title";
import type { Me } from "@/lib/types";
import { useKeptAnswers } from "@/lib/use-kept-answers";

import { AccountFrame } from "./AccountFrame";
import { paths } from "./paths";

export function SignedIn() {
  const me = useMe();
  const [last, setLast] = useState<Me | null>(null);
  if (me.data && me.data !== last) setLast(me.data);
  const { pathname, search } = useLocation();
  const person = me.data ?? last;
  if (person) {
    return (
      <>
        {/* Out of sight, the pages keep what was typed; those of another person begin anew. */}
        <Activity key={person.user.id} mode={me.data ? "visible" : "hidden"}>
          <Outlet context={person} />
        </Activity>
        {!me.data && <SessionEnded email={person.user.email} />}
      </>
    );
  }
  if (me.data === null) return <Navigate to={paths.signIn} state={{ from: pathname + search }} replace />;
  if (me.isError) {
    return (
      <Container size="xs" py={80} component="main">
        <ErrorNotice error={me.error} onRetry={() => void me.refetch()} />
      </Container>
    );
  }
  return (
    <Center h="100vh">
      <Loader aria-label="Loading" />
    </Center>
  );
}

/** In place of a page whose session has ended while it was open. */
function SessionEnded({ email }: { email: string }) {
  usePageTitle("Sign in again");
  useKeptAnswers();
  return (
    <AccountFrame title="Sign in again" words="Your session has ended. The page is still as you left it.">
      <SignInForm address={email} />
    </AccountFrame>
  );
}

/** Who is signed in; for pages below SignedIn. */
export function useSignedIn(): Me {
  return useOutletContext<Me>();
}
