/** Makes a signing secret by its form, and shows it this once. */

import type { ReactNode } from "react";

import { SecretDialog } from "@/components/ui/SecretDialog";
import type { WebhookCreated } from "@/lib/types";

interface Props {
  opened: boolean;
  title: string;
  onClose: () => void;
  children: (onMade: (made: WebhookCreated) => void) => ReactNode;
}

export function WebhookSecretDialog(props: Props) {
  return (
    <SecretDialog
      {...props}
      madeTitle="Its signing secret"
      advice="With it your receiver checks that a message is ours."
    />
  );
}
