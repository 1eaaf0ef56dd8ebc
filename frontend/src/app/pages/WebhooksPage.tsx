/** A tenant's webhooks and what was sent to them. */

import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconWebhook } from "@tabler/icons-react";

import { EmptyState } from "@/components/ui/EmptyState";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { useWebhooks } from "@/features/webhooks/api/get-webhooks";
import { NewWebhookDialog } from "@/features/webhooks/components/NewWebhookDialog";
import { SignatureCheck } from "@/features/webhooks/components/SignatureCheck";
import { WebhookCard } from "@/features/webhooks/components/WebhookCard";
import { usePageTitle } from "@/lib/page-title";

import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function WebhooksPage() {
  usePageTitle("Webhooks");
  const tenant = useParam("tenant");
  const { canWrite } = useRole(tenant);
  const webhooks = useWebhooks(tenant);
  const [isOpen, { open, close }] = useDisclosure(false);
  const newWebhook = canWrite && (
    <Button onClick={open} aria-haspopup="dialog" leftSection={<IconPlus size={16} aria-hidden />}>
      New webhook
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Webhooks"
        description="Your servers are told what happens: signed, retried, in order for each task."
        actions={webhooks.data && webhooks.data.count > 0 ? newWebhook : null}
      />
      <QueryView query={webhooks}>
        {({ results }) =>
          results.length === 0 ? (
            <EmptyState icon={<IconWebhook />} title="No webhooks yet" action={newWebhook}>
              A webhook tells a server of yours when a training has ended, another version serves, or a
              dataset has to be fixed.
            </EmptyState>
          ) : (
            <>
              {results.map((webhook) => (
                <WebhookCard key={webhook.id} tenant={tenant} webhook={webhook} canChange={canWrite} />
              ))}
              <SignatureCheck />
            </>
          )
        }
      </QueryView>
      <NewWebhookDialog tenant={tenant} opened={isOpen} onClose={close} />
    </>
  );
}
