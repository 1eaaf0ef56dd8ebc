/** An address that leads nowhere, or to what this person may not see. */

import { Button, Container } from "@mantine/core";
import { IconMapQuestion } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/components/ui/EmptyState";
import { usePageTitle } from "@/lib/page-title";

export function NotFoundPage() {
  usePageTitle("Not found");
  return (
    <Container size="sm" py="xl">
      <EmptyState
        icon={<IconMapQuestion />}
        title="There is nothing here"
        titleOrder={1}
        action={
          <Button component={Link} to="/">
            To the start page
          </Button>
        }
      >
        The address may be mistyped, the thing deleted, or it belongs to a tenant of which you are not a
        member.
      </EmptyState>
    </Container>
  );
}
