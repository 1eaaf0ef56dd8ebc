/** What is shown when a page's code cannot be fetched, or the dashboard itself has a defect. */

import { Button, Container } from "@mantine/core";
import { useRouteError } from "react-router";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { isTransient } from "@/lib/api-error";

export function RouteError() {
  const error = useRouteError();
  return (
    <Container size="xs" py={80} component="main">
      <ErrorNotice
        title={isTransient(error) ? "This page could not be loaded" : "This page broke"}
        error={error instanceof Error ? error : new Error("Something unexpected happened.")}
      />
      <Button mt="md" variant="default" onClick={() => window.location.reload()}>
        Load it again
      </Button>
    </Container>
  );
}
