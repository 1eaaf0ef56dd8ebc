/** One version: its report, and letting it serve. */

import { Alert, Badge, Button, Stack } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

import { PageHeader } from "@/components/ui/PageHeader";
import { DeployButton } from "@/features/deployments/components/DeployButton";
import { useTask } from "@/features/tasks/api/get-task";
import { useVersion } from "@/features/versions/api/get-version";
import { ImportParity } from "@/features/versions/components/ImportParity";
import { ReportSummary } from "@/features/versions/components/ReportSummary";
import { adapterAddress, offlineAddress } from "@/features/versions/api/adapter-address";
import { readImport, readReport } from "@/features/versions/report";
import { formatDate } from "@/lib/format";
import { usePageTitle } from "@/lib/page-title";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useParam } from "../use-params";
import { useRole } from "../use-role";
import { CorrectableReport } from "./version/CorrectableReport";

export function VersionPage() {
  const tenant = useParam("tenant");
  const slug = useParam("task");
  const number = Number(useParam("version"));
  const task = useTask(tenant, slug);
  const version = useVersion(tenant, slug, number);
  const { canWrite } = useRole(tenant);
  const name = task.data?.name ?? slug;
  usePageTitle(`Version ${number} of ${name}`);
  const deployed = task.data?.deployment?.version ?? null;
  return (
    <>
      <PageHeader
        title={`Version ${number}`}
        description={version.data ? `Made ${formatDate(version.data.created_at)}` : "…"}
        trail={[
          { label: "Tasks", to: paths.tasks(tenant) },
          { label: name, to: paths.task(tenant, slug) },
        ]}
        actions={
          <>
            <Button variant="default" className="not-printed" onClick={() => window.print()}>
              Print
            </Button>
            {canWrite && version.data && (
              <>
                <DownloadButton href={adapterAddress(tenant, slug, number)}>Download adapter</DownloadButton>
                <DownloadButton href={offlineAddress(tenant, slug, number)}>
                  Download to predict offline
                </DownloadButton>
              </>
            )}
            {deployed === number ? (
              <Badge color="teal" variant="light" size="lg" tt="none">
                Serving
              </Badge>
            ) : (
              canWrite &&
              task.data &&
              version.data?.state === "published" && (
                <DeployButton tenant={tenant} task={slug} version={number} deployedVersion={deployed} />
              )
            )}
          </>
        }
      />
      <PageView query={version}>
        {(loaded) => {
          const imported = readImport(loaded.report);
          return (
            <Stack gap="lg">
              {loaded.private_leaf?.retired_at && (
                <Alert color="yellow" variant="light" title="Its private leaf is gone">
                  It was destroyed with its dataset ({formatDate(loaded.private_leaf.retired_at)}). The
                  version answers without it since, and may be less accurate than its report says.
                </Alert>
              )}
              {imported && <ImportParity report={imported} />}
              {/* Without labelled rows an import has no figures. */}
              {(readReport(loaded.report) ?? !imported) &&
                (canWrite && loaded.dataset !== null ? (
                  <CorrectableReport tenant={tenant} task={slug} version={loaded} dataset={loaded.dataset} />
                ) : (
                  <ReportSummary
                    tenant={tenant}
                    report={loaded.report}
                    dataset={loaded.dataset}
                    decisions={null}
                  />
                ))}
            </Stack>
          );
        }}
      </PageView>
    </>
  );
}

function DownloadButton({ href, children }: { href: string; children: string }) {
  return (
    <Button
      component="a"
      variant="default"
      className="not-printed"
      leftSection={<IconDownload size={16} aria-hidden />}
      href={href}
      download
    >
      {children}
    </Button>
  );
}
