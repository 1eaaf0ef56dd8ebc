/** The version that is tried beside the one that serves, while it is. */

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useTrial } from "@/features/trials/api/get-trial";
import { EndTrialButton } from "@/features/trials/components/EndTrialButton";
import { TrialFigures } from "@/features/trials/components/TrialFigures";
import { formatPercent } from "@/lib/format";
import type { Task } from "@/lib/types";

interface Props {
  tenant: string;
  task: Task;
  canWrite: boolean;
}

export function TrialSection({ tenant, task, canWrite }: Props) {
  const trial = useTrial(tenant, task.slug);
  if (!task.trial) return null;
  const { version, kind, share } = task.trial;
  return (
    <Section
      title={`Version ${version} is on trial`}
      description={
        kind === "shadow"
          ? "Shadow: it is asked too, and answers nobody."
          : `Canary: it answers ${formatPercent(share, 0)} of the requests.`
      }
      actions={
        canWrite &&
        trial.data && (
          <>
            <EndTrialButton tenant={tenant} task={task.slug} trial={trial.data} how="promote" />
            <EndTrialButton tenant={tenant} task={task.slug} trial={trial.data} how="roll back" />
          </>
        )
      }
    >
      <QueryView query={trial} height={200}>
        {(loaded) => <TrialFigures trial={loaded} />}
      </QueryView>
    </Section>
  );
}
