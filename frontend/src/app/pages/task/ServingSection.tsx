/** What serves now and what did before. */

import { Accordion, Anchor, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import { ListPages } from "@/components/ui/ListPages";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useDeployments } from "@/features/deployments/api/get-deployments";
import { DeploymentHistory } from "@/features/deployments/components/DeploymentHistory";
import { UndeployButton } from "@/features/deployments/components/UndeployButton";
import { useTrials } from "@/features/trials/api/get-trials";
import { TrialHistory } from "@/features/trials/components/TrialHistory";
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
  const [open, setOpen] = useState<string | null>(null);
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
      <Accordion variant="contained" value={open} onChange={setOpen}>
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
        <Accordion.Item value="trials">
          <Accordion.Control>
            <Text size="sm">Trials so far</Text>
          </Accordion.Control>
          <Accordion.Panel>
            {open === "trials" && <Trials tenant={tenant} task={task.slug} />}
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Section>
  );
}

/** Asked for when they are opened. */
function Trials({ tenant, task }: { tenant: string; task: string }) {
  const [page, setPage] = useState(1);
  const trials = useTrials(tenant, task, page);
  return (
    <QueryView query={trials} height={80}>
      {(list) => (
        <>
          <TrialHistory trials={list.results} />
          <ListPages list={list} page={page} onChange={setPage} />
        </>
      )}
    </QueryView>
  );
}
