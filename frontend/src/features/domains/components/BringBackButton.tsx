/** Goes back to the tree before the newest, after saying what that means. */

import { useBringBack } from "../api/bring-back";
import { DomainActionButton } from "./DomainActionButton";

export function BringBackButton({
  tenant,
  domain,
  disabled,
}: {
  tenant: string;
  domain: string;
  disabled: boolean;
}) {
  return (
    <DomainActionButton
      action={useBringBack(tenant, domain)}
      label="Go back"
      ariaLabel="Go back to the tree before"
      title="Go back to the tree before?"
      confirmLabel="Go back"
      disabled={disabled}
    >
      Deployed tasks that do not lose on their held-out rows answer from the tree before the newest again, for
      a week. Then they follow the newest.
    </DomainActionButton>
  );
}
