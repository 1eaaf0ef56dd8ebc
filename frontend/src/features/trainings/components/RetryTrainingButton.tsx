/** Goes on with a training that failed by what passes, such as a full disk: nothing done is done again. */

import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconRefresh } from "@tabler/icons-react";

import type { Training } from "@/lib/types";

import { useRetryTraining } from "../api/retry-training";

export function RetryTrainingButton({ tenant, training }: { tenant: string; training: Training }) {
  const retry = useRetryTraining(tenant, training);
  return (
    <Button
      leftSection={<IconRefresh size={16} aria-hidden />}
      loading={retry.isPending}
      onClick={() =>
        retry.mutate(undefined, {
          onError: (error) =>
            notifications.show({ color: "red", title: "It was not tried again", message: error.message }),
        })
      }
    >
      Try again from where it was
    </Button>
  );
}
