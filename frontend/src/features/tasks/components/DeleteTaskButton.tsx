/** Deletes a task after asking. */

import { Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import type { Task } from "@/lib/types";

import { useDeleteTask } from "../api/delete-task";

interface Props {
  tenant: string;
  task: Task;
  onDeleted: () => void;
}

export function DeleteTaskButton({ tenant, task, onDeleted }: Props) {
  const remove = useDeleteTask(tenant, task.slug);
  return (
    <ConfirmButton
      label="Delete"
      title={`Delete ${task.name}?`}
      confirmLabel="Delete task"
      error={remove.error}
      isPending={remove.isPending}
      onConfirm={() => remove.mutateAsync().then(onDeleted)}
    >
      <Text size="sm">
        Its versions, trainings and keys go with it and cannot be brought back. Applications that call it get
        an error. Datasets stay.
      </Text>
    </ConfirmButton>
  );
}
