/** Promotes the version on trial, or rolls it back, after asking. */

import { Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import type { Trial } from "@/lib/types";

import { useEndTrial } from "../api/end-trial";

interface Props {
  tenant: string;
  task: string;
  trial: Trial;
  how: "promote" | "roll back";
}

export function EndTrialButton({ tenant, task, trial, how }: Props) {
  const end = useEndTrial(tenant, task, how);
  const isPromotion = how === "promote";
  return (
    <ConfirmButton
      size="xs"
      label={isPromotion ? "Promote" : "End the trial"}
      title={isPromotion ? `Deploy version ${trial.version}?` : `End the trial of version ${trial.version}?`}
      confirmLabel={isPromotion ? "Promote" : "End it"}
      confirmColor={isPromotion ? "teal" : "red"}
      error={end.error}
      isPending={end.isPending}
      onConfirm={() => end.mutateAsync()}
    >
      <Text size="sm">
        {isPromotion
          ? `Version ${trial.version} answers all requests instead of version ${trial.against}, whatever the verdict says. You can roll back.`
          : `Version ${trial.version} gets no more requests; version ${trial.against} goes on serving. Its figures are kept.`}
      </Text>
    </ConfirmButton>
  );
}
