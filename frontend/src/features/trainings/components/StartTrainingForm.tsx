/** Chooses the dataset and the recipe, says what it would take, and starts a training. */

import { Button, Group, NativeSelect, Stack } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import { contentsOf } from "@/lib/task-kinds";
import type { Dataset, Training } from "@/lib/types";

import { useCreateTraining } from "../api/create-training";
import { useAskEstimate } from "../api/estimate";
import { recipeOf, usualChoice } from "../recipe";
import { EstimateNotice } from "./EstimateNotice";
import { LeafChoice } from "./LeafChoice";
import { RecipeFields } from "./RecipeFields";

interface Props {
  tenant: string;
  task: string;
  /** Only tasks of shared domains may have private leaves. */
  isDomainShared: boolean;
  datasets: Dataset[];
  /** The dataset that is chosen at first, for instance the one just uploaded. */
  initialDataset: string | null;
  onStarted: (training: Training) => void;
}

export function StartTrainingForm({
  tenant,
  task,
  isDomainShared,
  datasets,
  initialDataset,
  onStarted,
}: Props) {
  const create = useCreateTraining(tenant, task);
  const ask = useAskEstimate(tenant, task);
  const [chosen, setChosen] = useState<string | null>(null);
  const [choice, setChoice] = useState(usualChoice);
  const dataset = chosen ?? initialDataset ?? datasets[0]?.id ?? "";
  const recipe = recipeOf(choice);
  const asked = { dataset, ...(Object.keys(recipe).length > 0 && { recipe }) };
  const isOfThis = JSON.stringify(ask.variables) === JSON.stringify(asked);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(create.mutateAsync(asked), onStarted);
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
        {isDomainShared && (
          <LeafChoice leafMb={choice.leafMb} onChange={(leafMb) => setChoice({ ...choice, leafMb })} />
        )}
        <RecipeFields choice={choice} onChange={setChoice} />
        {isOfThis && ask.isError && <ErrorNotice error={ask.error} title="No estimate" />}
        {isOfThis && ask.data && <EstimateNotice key={ask.data.id} tenant={tenant} asked={ask.data} />}
        <Group>
          <Button
            type="submit"
            loading={create.isPending}
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
          >
            Start training
          </Button>
          <Button variant="default" loading={ask.isPending} onClick={() => ask.mutate(asked)}>
            Estimate first
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
