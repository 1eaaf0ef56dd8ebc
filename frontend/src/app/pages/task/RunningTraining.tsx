/** The training that is under way, with the way to watch it. */

import { Button } from "@mantine/core";
import { Link } from "react-router";

import { paths } from "@/app/paths";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useTraining } from "@/features/trainings/api/get-training";
import { TrainingProgress } from "@/features/trainings/components/TrainingProgress";

interface Props {
  tenant: string;
  task: string;
  id: string;
}

export function RunningTraining({ tenant, task, id }: Props) {
  const training = useTraining(tenant, id);
  return (
    <Section
      title={training.data?.state === "paused" ? "A training is paused" : "A training is under way"}
      actions={
        <Button component={Link} to={paths.training(tenant, task, id)}>
          Watch it
        </Button>
      }
    >
      <QueryView query={training} height={220}>
        {(loaded) => <TrainingProgress training={loaded} />}
      </QueryView>
    </Section>
  );
}
