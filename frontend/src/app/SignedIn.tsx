/** Lets only signed-in people through, and gives the pages below who it is. */

import { Center, Container, Loader } from "@mantine/core";
import { Navigate, Outlet, useLocation, useOutletContext } from "react-router";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { useMe } from "@/features/auth/api/get-me";
import type { Me } from "@/lib/types";

import { paths } from "./paths";

export function SignedIn() {
  const me = useMe();
  const { pathname, search } = useLocation();
  if (me.data) return <Outlet context={me.data} />;
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

/** Who is signed in; for pages below SignedIn. */
export function useSignedIn(): Me {
  return useOutletContext<Me>();
}
