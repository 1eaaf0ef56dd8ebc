/** Brings an adapter that was trained elsewhere: its files, the parity test, and letting the version serve. */

import { Alert, Anchor, Button, Group, Stack } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "react-router";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useAllDatasets } from "@/features/datasets/api/get-all-datasets";
import { DeployButton } from "@/features/deployments/components/DeployButton";
import { useImports } from "@/features/imports/api/get-imports";
import { AdapterForm } from "@/features/imports/components/AdapterForm";
import { ImportProgress } from "@/features/imports/components/ImportProgress";
import { ImportTable } from "@/features/imports/components/ImportTable";
import { isUnderWay } from "@/features/imports/state";
import { useTask } from "@/features/tasks/api/get-task";
import { useVersion } from "@/features/versions/api/get-version";
import { ImportParity } from "@/features/versions/components/ImportParity";
import { readImport } from "@/features/versions/report";
import { usePageTitle } from "@/lib/page-title";
import { queryKeys } from "@/lib/query-keys";
import { sentence } from "@/lib/sentence";
import type { AdapterImport, Task } from "@/lib/types";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function ImportPage() {
  const tenant = useParam("tenant");
  const slug = useParam("task");
  const task = useTask(tenant, slug);
  const name = task.data?.name ?? slug;
  usePageTitle(`Bring an adapter for ${name}`);
  return (
    <>
      <PageHeader
        title="Bring an adapter"
        description="One that you trained elsewhere, in PEFT's format. It is compared with what it answers at home, and becomes a version."
        trail={[
          { label: "Tasks", to: paths.tasks(tenant) },
          { label: name, to: paths.task(tenant, slug) },
        ]}
      />
      <PageView query={task}>{(loaded) => <Imports tenant={tenant} task={loaded} />}</PageView>
    </>
  );
}

function Imports({ tenant, task }: { tenant: string; task: Task }) {
  const [page, setPage] = useState(1);
  const newest = useImports(tenant, task.slug);
  const shown = useImports(tenant, task.slug, page);
  const { canWrite } = useRole(tenant);
  const [latest] = newest.data?.results ?? [];
  const isBusy = latest !== undefined && isUnderWay(latest);
  useFreshTaskAtEnd(tenant, task.slug, isBusy);
  return (
    <QueryView query={newest} height={420}>
      {({ count }) => (
        <>
          {latest &&
            (isBusy ? (
              <ImportProgress tenant={tenant} brought={latest} canWrite={canWrite} />
            ) : (
              <Outcome tenant={tenant} task={task} brought={latest} canWrite={canWrite} />
            ))}
          {canWrite && !isBusy && <Bring tenant={tenant} task={task} />}
          {count > 0 && (
            <Section title="Brought so far">
              <QueryView query={shown} height={120}>
                {(list) => (
                  <>
                    <ImportTable
                      imports={list.results}
                      hrefOf={(version) => paths.version(tenant, task.slug, version)}
                    />
                    <ListPages list={list} page={page} onChange={setPage} />
                  </>
                )}
              </QueryView>
            </Section>
          )}
        </>
      )}
    </QueryView>
  );
}

function Bring({ tenant, task }: { tenant: string; task: Task }) {
  const datasets = useAllDatasets(tenant);
  return (
    <Section
      title="The adapter"
      description={
        <>
          Plain LoRA of a rank up to 32 on the upper layers, and a linear head.{" "}
          <Anchor href="/api/v1/docs" inherit underline="always">
            The same by API
          </Anchor>
        </>
      }
    >
      <QueryView query={datasets} height={420}>
        {(all) => (
          <AdapterForm
            tenant={tenant}
            task={task.slug}
            datasets={all.filter(({ kind, state }) => kind === task.kind && state === "ready")}
          />
        )}
      </QueryView>
    </Section>
  );
}

interface OutcomeProps {
  tenant: string;
  task: Task;
  brought: AdapterImport;
  canWrite: boolean;
}

/** What came of the newest import. */
function Outcome({ tenant, task, brought, canWrite }: OutcomeProps) {
  const { version: number, passed, error } = brought;
  const version = useVersion(tenant, task.slug, number);
  if (brought.state === "failed") {
    return (
      <ErrorNotice
        error={new Error(sentence(error?.message ?? "the import failed"))}
        title={`${brought.file_name} cannot be used here`}
      />
    );
  }
  if (number === null) return null;
  const report = version.data && readImport(version.data.report);
  return (
    <Stack gap="lg">
      <Alert
        color={passed ? "teal" : "yellow"}
        variant="light"
        icon={passed ? <IconCircleCheck aria-hidden /> : <IconAlertTriangle aria-hidden />}
        title={passed ? `Version ${number} is ready` : `Version ${number} is a draft`}
        role="status"
      >
        {passed
          ? `${brought.file_name} answers here as it does at home.`
          : `${brought.file_name} does not answer here as it does at home, so that it cannot be deployed.`}
        <Group mt="sm">
          <Button component={Link} to={paths.version(tenant, task.slug, number)} variant="default">
            See the report
          </Button>
          {canWrite && passed && task.deployment?.version !== number && (
            <DeployButton
              tenant={tenant}
              task={task.slug}
              version={number}
              deployedVersion={task.deployment?.version ?? null}
            />
          )}
        </Group>
      </Alert>
      {report && <ImportParity report={report} />}
    </Stack>
  );
}

/** When an import ends, its task has a new version. */
function useFreshTaskAtEnd(tenant: string, task: string, isBusy: boolean): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!isBusy) void client.invalidateQueries({ queryKey: queryKeys.task(tenant, task), exact: true });
    if (!isBusy) void client.invalidateQueries({ queryKey: queryKeys.versions(tenant, task) });
  }, [client, tenant, task, isBusy]);
}
