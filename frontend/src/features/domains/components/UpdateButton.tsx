/** Asks for an update of a domain after saying what it does. */

import type { ButtonProps } from "@mantine/core";

import { useRequestUpdate } from "../api/request-update";
import { DomainActionButton } from "./DomainActionButton";

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
    <DomainActionButton
      action={{ ...update, mutateAsync: () => update.mutateAsync().then(onAsked) }}
      label={label}
      variant={variant}
      title="Update this domain?"
      confirmLabel="Update"
      disabled={disabled}
    >
      Its tree is made anew from all the text it has. Deployed tasks that do not lose on their held-out rows
      follow it; the others stay on the old one for a week and are listed here.
    </DomainActionButton>
  );
}
