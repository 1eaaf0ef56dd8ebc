/** A task's versions, to look at, deploy and roll back to. */

import { Button, Group, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import { ListPages } from "@/components/ui/ListPages";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { DeployButton } from "@/features/deployments/components/DeployButton";
import { StartTrialButton } from "@/features/trials/components/StartTrialButton";
import { useVersions } from "@/features/versions/api/get-versions";
import { VersionTable } from "@/features/versions/components/VersionTable";
import type { Task } from "@/lib/types";

import { paths } from "@/app/paths";

interface Props {
  tenant: string;
  task: Task;
  canWrite: boolean;
}

export function VersionsSection({ tenant, task, canWrite }: Props) {
  const [page, setPage] = useState(1);
  const versions = useVersions(tenant, task.slug, page);
  const deployed = task.deployment?.version ?? null;
  return (
    <Section
      title="Versions"
      description="Each training that succeeds makes one, and so does an adapter that you bring. All are kept."
      actions={
        <>
          {versions.data && versions.data.count > 1 && (
            <Button component={Link} to={paths.compareNewest(tenant, task.slug)} variant="default" size="xs">
              Compare
            </Button>
          )}
          {canWrite && (
            <Button component={Link} to={paths.bringAdapter(tenant, task.slug)} variant="default" size="xs">
              Bring an adapter
            </Button>
          )}
        </>
      }
    >
      <QueryView query={versions} height={120}>
        {(list) =>
          list.count === 0 ? (
            <Text size="sm">No version yet: it comes when a training succeeds.</Text>
          ) : (
            <>
              <VersionTable
                versions={list.results}
                deployedNumber={deployed}
                hrefOf={({ number }) => paths.version(tenant, task.slug, number)}
                actionOf={({ number, state }) =>
                  canWrite && state === "published" && number !== deployed ? (
                    <Group gap={6} justify="flex-end" wrap="nowrap">
                      {deployed !== null && !task.trial && (
                        <StartTrialButton tenant={tenant} task={task.slug} version={number} />
                      )}
                      <DeployButton
                        tenant={tenant}
                        task={task.slug}
                        version={number}
                        deployedVersion={deployed}
                        size="xs"
                      />
                    </Group>
                  ) : null
                }
              />
              <ListPages list={list} page={page} onChange={setPage} />
            </>
          )
        }
      </QueryView>
    </Section>
  );
}
