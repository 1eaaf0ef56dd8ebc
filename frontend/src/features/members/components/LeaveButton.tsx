/** Leaves a tenant after asking. */

import { Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";

import { useLeaveTenant } from "../api/leave-tenant";

export function LeaveButton({ tenant, onLeft }: { tenant: string; onLeft: () => void }) {
  const leave = useLeaveTenant(tenant);
  return (
    <ConfirmButton
      label="Leave this tenant"
      title="Leave this tenant?"
      confirmLabel="Leave"
      error={leave.error}
      isPending={leave.isPending}
      onConfirm={() => leave.mutateAsync().then(onLeft)}
    >
      <Text size="sm">
        You lose sight of it at once; an owner can invite you again. Keys that you created go on working.
      </Text>
    </ConfirmButton>
  );
}
