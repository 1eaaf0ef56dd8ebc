/** Goes back to the tree before the newest, after saying what that means. */

import { Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";

import { useBringBack } from "../api/bring-back";

export function BringBackButton({
  tenant,
  domain,
  disabled,
}: {
  tenant: string;
  domain: string;
  disabled: boolean;
}) {
  const bringBack = useBringBack(tenant, domain);
  return (
    <ConfirmButton
      size="xs"
      label="Go back"
      ariaLabel="Go back to the tree before"
      title="Go back to the tree before?"
      confirmLabel="Go back"
      confirmColor="teal"
      disabled={disabled}
      error={bringBack.error}
      isPending={bringBack.isPending}
      onConfirm={() => bringBack.mutateAsync()}
    >
      <Text size="sm">
        Deployed tasks that do not lose on their held-out rows answer from the tree before the newest again,
        for a week. Then they follow the newest.
      </Text>
    </ConfirmButton>
  );
}
