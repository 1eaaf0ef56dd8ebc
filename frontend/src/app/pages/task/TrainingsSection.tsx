/** A task's trainings so far. */

import { useState } from "react";

import { ListPages } from "@/components/ui/ListPages";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useTrainings } from "@/features/trainings/api/get-trainings";
import { TrainingTable } from "@/features/trainings/components/TrainingTable";
import type { Task } from "@/lib/types";

import { paths } from "@/app/paths";

export function TrainingsSection({ tenant, task }: { tenant: string; task: Task }) {
  const [page, setPage] = useState(1);
  const trainings = useTrainings(tenant, task.slug, page);
  return (
    <Section title="Trainings">
      <QueryView query={trainings} height={120}>
        {(list) => (
          <>
            <TrainingTable
              trainings={list.results}
              hrefOf={({ id }) => paths.training(tenant, task.slug, id)}
            />
            <ListPages list={list} page={page} onChange={setPage} />
          </>
        )}
      </QueryView>
    </Section>
  );
}
