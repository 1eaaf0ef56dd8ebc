/** An error in words: what happened, what to do, and the request's id for whoever helps. */

import { Alert, Button, Group, Text } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";

import { ApiError } from "@/lib/api-error";

interface Props {
  error: Error;
  title?: string;
  onRetry?: () => void;
}

export function ErrorNotice({ error, title = "This did not work", onRetry }: Props) {
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <Alert color="red" variant="light" icon={<IconAlertCircle aria-hidden />} title={title} role="alert">
      <Text size="sm">{error.message}</Text>
      {requestId !== null && (
        <Text size="xs" c="dimmed" mt={4}>
          Request {requestId}
        </Text>
      )}
      {onRetry && (
        <Group mt="sm">
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  );
}
