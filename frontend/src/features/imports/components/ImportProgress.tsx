/** An import that waits or works: what it is doing, and the way to stop it. */

import { Group, Progress, Stack, Text, VisuallyHidden } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { Section } from "@/components/ui/Section";
import { formatBytes, formatPercent } from "@/lib/format";
import type { AdapterImport } from "@/lib/types";

import { useCancelImport } from "../api/cancel-import";
import { stateWords } from "../state";
import { ImportStateBadge } from "./ImportStateBadge";

interface Props {
  tenant: string;
  brought: AdapterImport;
  canWrite: boolean;
}

export function ImportProgress({ tenant, brought, canWrite }: Props) {
  const cancel = useCancelImport(tenant, brought);
  const isQueued = brought.state === "queued";
  const share = shareOf(brought);
  const doing = isQueued ? "Starts by itself, after those before it" : brought.message || "Starting";
  return (
    <Section
      title={`${brought.file_name} is being checked`}
      description={`${formatBytes(brought.num_bytes)}. This takes a minute or two, and goes on when you close this page.`}
      actions={
        canWrite && (
          <ConfirmButton
            label="Cancel"
            ariaLabel="Cancel the import"
            title="Cancel this import?"
            confirmLabel="Cancel import"
            error={cancel.error}
            isPending={cancel.isPending}
            onConfirm={() => cancel.mutateAsync()}
          >
            <Text size="sm">No version is made of it. You can bring the adapter again at any time.</Text>
          </ConfirmButton>
        )
      }
    >
      <Stack gap="xs">
        <Group gap="xs">
          <ImportStateBadge brought={brought} />
          <Text size="sm">
            {doing}
            {share !== null && `: ${formatPercent(share, 0)}`}
          </Text>
        </Group>
        <Progress.Root size="lg">
          <Progress.Section
            value={100 * (share ?? 1)}
            color={share === null ? "gray" : "cyan"}
            striped
            animated={!isQueued}
            aria-label="Progress of the import"
            aria-valuetext={share === null ? doing : `${doing}: ${formatPercent(share, 0)}`}
          />
        </Progress.Root>
        <VisuallyHidden role="status">{stateWords(brought).label}</VisuallyHidden>
      </Stack>
    </Section>
  );
}

/** Of the answers that are compared, which is what an import spends its time on; null: they are not counted yet. */
function shareOf({ phase, step, num_steps: numSteps }: AdapterImport): number | null {
  if (phase === "publishing") return 1;
  return numSteps > 0 ? step / numSteps : null;
}
