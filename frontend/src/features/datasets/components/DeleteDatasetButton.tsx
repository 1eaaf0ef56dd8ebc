/** Deletes a dataset after asking. */

import { Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import type { Dataset } from "@/lib/types";

import { useDeleteDataset } from "../api/delete-dataset";

interface Props {
  tenant: string;
  dataset: Dataset;
  onDeleted: () => void;
}

export function DeleteDatasetButton({ tenant, dataset, onDeleted }: Props) {
  const remove = useDeleteDataset(tenant, dataset.id);
  return (
    <ConfirmButton
      label="Delete"
      title={`Delete ${dataset.name}?`}
      confirmLabel="Delete dataset"
      error={remove.error}
      isPending={remove.isPending}
      onConfirm={() => remove.mutateAsync().then(onDeleted)}
    >
      <Text size="sm">
        The file and its rows are removed and cannot be brought back, and PLOT forgets what it learnt from
        them. Versions that were trained on it stay and go on serving. A receipt tells when nothing is left.
      </Text>
    </ConfirmButton>
  );
}
