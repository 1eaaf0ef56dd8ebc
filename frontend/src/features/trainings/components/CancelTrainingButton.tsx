/** Stops a training after asking. */

import { Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import type { Training } from "@/lib/types";

import { useCancelTraining } from "../api/cancel-training";

export function CancelTrainingButton({ tenant, training }: { tenant: string; training: Training }) {
  const cancel = useCancelTraining(tenant, training.id);
  return (
    <ConfirmButton
      label="Cancel training"
      title="Cancel this training?"
      confirmLabel="Cancel training"
      error={cancel.error}
      isPending={cancel.isPending}
      disabled={training.cancel_requested}
      onConfirm={() => cancel.mutateAsync()}
    >
      <Text size="sm">
        What it has learnt so far is thrown away and no version is made. What serves now goes on serving.
      </Text>
    </ConfirmButton>
  );
}
