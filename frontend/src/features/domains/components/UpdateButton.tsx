/** Asks for an update of a domain after saying what it does. */

import { type ButtonProps, Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";

import { useRequestUpdate } from "../api/request-update";

export function UpdateButton({
  tenant,
  domain,
  disabled,
  label = "Update now",
  variant = "default",
  onAsked = () => undefined,
}: {
  tenant: string;
  domain: string;
  disabled: boolean;
  label?: string;
  variant?: ButtonProps["variant"];
  onAsked?: () => void;
}) {
  const update = useRequestUpdate(tenant, domain);
  return (
    <ConfirmButton
      size="xs"
      label={label}
      variant={variant}
      title="Update this domain?"
      confirmLabel="Update"
      confirmColor="teal"
      disabled={disabled}
      error={update.error}
      isPending={update.isPending}
      onConfirm={() => update.mutateAsync().then(onAsked)}
    >
      <Text size="sm">
        Its tree is made anew from all the text it has. Deployed tasks that do not lose on their held-out rows
        follow it; the others stay on the old one for a week and are listed here.
      </Text>
    </ConfirmButton>
  );
}
