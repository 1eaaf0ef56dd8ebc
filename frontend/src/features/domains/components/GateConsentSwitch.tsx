/** Lets held-out rows of a task try new trees before they serve it. Can be taken back at any time. */

import { Switch, Text } from "@mantine/core";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { QueryView } from "@/components/ui/QueryView";

import { useGateConsent, useSetGateConsent } from "../api/gate-consent";

interface Props {
  tenant: string;
  task: string;
  name: string;
  disabled: boolean;
}

export function GateConsentSwitch({ tenant, task, name, disabled }: Props) {
  const consent = useGateConsent(tenant, task);
  const change = useSetGateConsent(tenant, task);
  return (
    <QueryView query={consent} height={44}>
      {({ is_given }) => (
        <div>
          <Switch
            label={name}
            checked={change.isPending ? change.variables : is_given}
            disabled={disabled || change.isPending}
            onChange={(event) => change.mutate(event.currentTarget.checked)}
          />
          {change.isError && <ErrorNotice error={change.error} title="Nothing was changed" />}
          {!is_given && (
            <Text size="xs" c="dimmed" ml={46}>
              New trees cannot be tried on this task: it stays on the one before for a week at most, and
              follows untried.
            </Text>
          )}
        </div>
      )}
    </QueryView>
  );
}
