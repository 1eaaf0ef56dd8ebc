/** Chooses the dataset and starts a training. */

import { Button, Checkbox, Group, NativeSelect, Stack } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import { contentsOf } from "@/lib/task-kinds";
import type { Dataset, Training } from "@/lib/types";

import { useCreateTraining } from "../api/create-training";

interface Props {
  tenant: string;
  task: string;
  datasets: Dataset[];
  /** The dataset that is chosen at first, for instance the one just uploaded. */
  initialDataset: string | null;
  onStarted: (training: Training) => void;
}

export function StartTrainingForm({ tenant, task, datasets, initialDataset, onStarted }: Props) {
  const create = useCreateTraining(tenant, task);
  const [chosen, setChosen] = useState<string | null>(null);
  const [compareComputed, setCompareComputed] = useState(false);
  const dataset = chosen ?? initialDataset ?? datasets[0]?.id ?? "";
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(
      create.mutateAsync({ dataset, ...(compareComputed && { recipe: { compare_computed: true } }) }),
      onStarted,
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {create.isError && <ErrorNotice error={create.error} title="The training was not started" />}
        <NativeSelect
          label="Dataset"
          value={dataset}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={datasets.map((each) => ({ value: each.id, label: `${nameOf(each)} (${contentsOf(each)})` }))}
        />
        <Checkbox
          label="Also measure what PLOT costs"
          description="Trains a second time on computed lower layers. The report compares both; it takes several times longer."
          checked={compareComputed}
          onChange={(event) => setCompareComputed(event.currentTarget.checked)}
        />
        <Group>
          <Button
            type="submit"
            loading={create.isPending}
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
          >
            Start training
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Versions of one upload have the same name. */
function nameOf({ name, version }: Dataset): string {
  return version > 1 ? `${name}, version ${version}` : name;
}
