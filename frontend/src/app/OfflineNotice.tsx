/** Says when the browser has no connection, so that old figures are not taken for new ones. */

import { Alert } from "@mantine/core";
import { useNetwork } from "@mantine/hooks";
import { IconWifiOff } from "@tabler/icons-react";

export function OfflineNotice() {
  const { online } = useNetwork();
  if (online) return null;
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconWifiOff aria-hidden />}
      mb="md"
      role="status"
      title="You are offline"
    >
      What you see may be old. It is brought up to date as soon as the connection is back.
    </Alert>
  );
}
