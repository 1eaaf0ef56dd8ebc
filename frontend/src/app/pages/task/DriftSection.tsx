/** Whether what the live version sees has changed, and what to do then. */

import { Button } from "@mantine/core";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { UpdateButton } from "@/features/domains/components/UpdateButton";
import { driftDays, useDrift } from "@/features/drift/api/get-drift";
import { DriftReport } from "@/features/drift/components/DriftReport";
import { useVersion } from "@/features/versions/api/get-version";
import type { Task } from "@/lib/types";

import { trainSectionId } from "./TrainSection";

interface Props {
  tenant: string;
  task: Task;
  canWrite: boolean;
}

export function DriftSection({ tenant, task, canWrite }: Props) {
  const drift = useDrift(tenant, task.slug);
  const version = useVersion(tenant, task.slug, task.deployment?.version ?? null);
  return (
    <Section
      title="Are the texts still the same?"
      description={`Texts of the last ${driftDays} days against those that the version was tested on. Only counts are kept.`}
    >
      <QueryView query={drift} height={160}>
        {(loaded) => (
          <DriftReport
            drift={loaded}
            labels={version.data?.labels ?? []}
            remedies={
              canWrite && (
                <>
                  <UpdateButton
                    tenant={tenant}
                    domain={task.domain}
                    disabled={false}
                    label="Refresh the domain"
                  />
                  <Button size="xs" variant="default" onClick={goToTraining}>
                    Retrain
                  </Button>
                </>
              )
            }
          />
        )}
      </QueryView>
    </Section>
  );
}

/** To where new examples are given and a training is started, lower on this page. */
function goToTraining() {
  const section = document.getElementById(trainSectionId);
  section?.scrollIntoView();
  section?.focus();
}
