/** What serves now and what did before. */

import { Accordion, Anchor, Text } from "@mantine/core";
import { Link } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useDeployments } from "@/features/deployments/api/get-deployments";
import { DeploymentHistory } from "@/features/deployments/components/DeploymentHistory";
import { UndeployButton } from "@/features/deployments/components/UndeployButton";
import { formatAgo } from "@/lib/format";
import type { Task } from "@/lib/types";

import { paths } from "@/app/paths";

interface Props {
  tenant: string;
  task: Task;
  canWrite: boolean;
}

export function ServingSection({ tenant, task, canWrite }: Props) {
  const deployments = useDeployments(tenant, task.slug);
  if (!task.deployment) return null;
  return (
    <Section
      title={`Version ${task.deployment.version} is serving`}
      description={
        <>
          Since {formatAgo(task.deployment.deployed_at)}. Applications call it with an{" "}
          <Anchor component={Link} to={paths.keys(tenant)} inherit underline="always">
            API key
          </Anchor>{" "}
          at <code>POST /v1/tasks/{task.slug}/predict</code>.
        </>
      }
      actions={canWrite && <UndeployButton tenant={tenant} task={task.slug} />}
    >
      <Accordion variant="contained">
        <Accordion.Item value="history">
          <Accordion.Control>
            <Text size="sm">Deployments so far</Text>
          </Accordion.Control>
          <Accordion.Panel>
            <QueryView query={deployments} height={80}>
              {({ results }) => <DeploymentHistory deployments={results} />}
            </QueryView>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Section>
  );
}
