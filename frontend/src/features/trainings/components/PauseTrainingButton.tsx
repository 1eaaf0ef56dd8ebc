/** Pauses a training, or goes on with a paused one: nothing is lost by it. */

import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";

import type { Training } from "@/lib/types";

import { usePauseTraining } from "../api/pause-training";

export function PauseTrainingButton({ tenant, training }: { tenant: string; training: Training }) {
  const pause = usePauseTraining(tenant, training);
  const isPaused = training.state === "paused";
  return (
    <Button
      variant={isPaused ? "filled" : "default"}
      leftSection={
        isPaused ? <IconPlayerPlay size={16} aria-hidden /> : <IconPlayerPause size={16} aria-hidden />
      }
      loading={pause.isPending}
      disabled={training.cancel_requested}
      onClick={() =>
        pause.mutate(undefined, {
          onError: (error) =>
            notifications.show({
              color: "red",
              title: isPaused ? "It does not go on" : "It was not paused",
              message: error.message,
            }),
        })
      }
    >
      {isPaused ? "Go on with it" : "Pause"}
    </Button>
  );
}
