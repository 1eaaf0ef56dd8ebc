/** Step 4: how good the model is, and letting it serve. */

import { Alert, Button, Group, Stack } from "@mantine/core";
import { Link } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { DeployButton } from "@/features/deployments/components/DeployButton";
import { useVersion } from "@/features/versions/api/get-version";
import { ReportFigures } from "@/features/versions/components/ReportFigures";
import { readReport } from "@/features/versions/report";
import type { Task } from "@/lib/types";

import { paths } from "@/app/paths";

export function DeployStep({ tenant, task }: { tenant: string; task: Task }) {
  const number = task.latest_version?.number ?? 0;
  const version = useVersion(tenant, task.slug, number);
  return (
    <Section
      title={`Version ${number} is ready`}
      description="Measured on rows that were held out. Deployed, it answers your applications; you can go back at any time."
    >
      <QueryView query={version} height={160}>
        {({ report: json }) => {
          const report = readReport(json);
          return (
            <Stack>
              {report ? (
                <ReportFigures report={report} />
              ) : (
                <Alert color="yellow" variant="light" title="It has no report that can be shown here" />
              )}
              <Group justify="space-between">
                <Button component={Link} to={paths.version(tenant, task.slug, number)} variant="default">
                  Read the whole report
                </Button>
                <DeployButton tenant={tenant} task={task.slug} version={number} deployedVersion={null} />
              </Group>
            </Stack>
          );
        }}
      </QueryView>
    </Section>
  );
}
