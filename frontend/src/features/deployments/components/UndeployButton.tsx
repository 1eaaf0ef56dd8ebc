/** Takes a task out of service after asking. */

import { Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";

import { useUndeploy } from "../api/undeploy";

export function UndeployButton({ tenant, task }: { tenant: string; task: string }) {
  const undeploy = useUndeploy(tenant, task);
  return (
    <ConfirmButton
      label="Stop serving"
      title="Stop serving this task?"
      confirmLabel="Stop serving"
      error={undeploy.error}
      isPending={undeploy.isPending}
      onConfirm={() => undeploy.mutateAsync()}
    >
      <Text size="sm">
        Applications that call this task get an error from the next call on. The versions stay; deploy one to
        serve again.
      </Text>
    </ConfirmButton>
  );
}
