/** Whether what the live version sees has changed, and what to do then. */

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { driftDays, useDrift } from "@/features/drift/api/get-drift";
import { DriftReport } from "@/features/drift/components/DriftReport";
import { useVersion } from "@/features/versions/api/get-version";
import type { Task } from "@/lib/types";

import { DriftActions } from "./DriftActions";

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
            remedies={canWrite && <DriftActions tenant={tenant} task={task} drift={loaded} />}
          />
        )}
      </QueryView>
    </Section>
  );
}
