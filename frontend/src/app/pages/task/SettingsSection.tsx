/** What can be changed about a task. */

import { Section } from "@/components/ui/Section";
import { TaskSettingsForm } from "@/features/tasks/components/TaskSettingsForm";
import { useVersion } from "@/features/versions/api/get-version";
import { readReport } from "@/features/versions/report";
import type { Task } from "@/lib/types";

export function SettingsSection({ tenant, task }: { tenant: string; task: Task }) {
  const newest = task.latest_version?.number ?? null;
  const version = useVersion(tenant, task.slug, newest);
  const coverage = readReport(version.data?.report)?.coverage;
  return (
    <Section title="Settings">
      <TaskSettingsForm
        tenant={tenant}
        task={task}
        knownShare={coverage ? coverage.trigram + coverage.bigram : null}
      />
    </Section>
  );
}
