/** One webhook with what can be done with it, and what was sent to it. */

import { Badge, Button, Group, Stack, Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { Section } from "@/components/ui/Section";
import { formatDate } from "@/lib/format";
import type { Webhook } from "@/lib/types";

import { useChangeWebhook } from "../api/change-webhook";
import { ChangeWebhookButton } from "./ChangeWebhookButton";
import { DeliveryTable } from "./DeliveryTable";
import { RotateSecretButton } from "./RotateSecretButton";

interface Props {
  tenant: string;
  webhook: Webhook;
  canChange: boolean;
}

export function WebhookCard({ tenant, webhook, canChange }: Props) {
  const change = useChangeWebhook(tenant, webhook.id);
  const remove = useChangeWebhook(tenant, webhook.id);
  const button = (label: string, what: "pause" | "resume" | "ping") => (
    <Button
      size="xs"
      variant="default"
      loading={change.isPending && change.variables === what}
      onClick={() => change.mutate(what)}
      aria-label={`${label} ${webhook.name}`}
    >
      {label}
    </Button>
  );
  return (
    <Section
      title={webhook.name}
      description={
        <Group gap="xs">
          <Text span size="sm" style={{ overflowWrap: "anywhere" }}>
            {webhook.url}
          </Text>
          <Badge color={webhook.is_active ? "teal" : "gray"} variant="light" tt="none">
            {webhook.is_active ? "On" : "Paused"}
          </Badge>
          {webhook.old_ends_at && (
            <Text span size="sm">
              The old secret signs too until {formatDate(webhook.old_ends_at)}.
            </Text>
          )}
        </Group>
      }
      actions={
        canChange && (
          <>
            {button("Send a test", "ping")}
            <RotateSecretButton tenant={tenant} webhook={webhook} />
            <ChangeWebhookButton tenant={tenant} webhook={webhook} />
            {webhook.is_active ? button("Pause", "pause") : button("Switch on", "resume")}
            <ConfirmButton
              size="xs"
              label="Delete"
              ariaLabel={`Delete ${webhook.name}`}
              title={`Delete ${webhook.name}?`}
              confirmLabel="Delete webhook"
              error={remove.error}
              isPending={remove.isPending}
              onConfirm={() => remove.mutateAsync("delete")}
            >
              <Text size="sm">Nothing more is sent to it, and the list of what was sent goes with it.</Text>
            </ConfirmButton>
          </>
        )
      }
    >
      <Stack>
        {change.isError && <ErrorNotice error={change.error} title="Nothing was changed" />}
        <Text size="xs" c="dimmed">
          {webhook.events.join(", ")}
        </Text>
        <DeliveryTable tenant={tenant} webhook={webhook.id} canReplay={canChange} />
      </Stack>
    </Section>
  );
}
