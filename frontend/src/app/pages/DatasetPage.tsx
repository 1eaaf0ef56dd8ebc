/** One dataset: the doctor's report and its fixes, labels, lengths, rows, versions, downloads. */

import { SimpleGrid, Stack } from "@mantine/core";

import { PageHeader } from "@/components/ui/PageHeader";
import { Section } from "@/components/ui/Section";
import { useDataset } from "@/features/datasets/api/get-dataset";
import { ColumnChoice } from "@/features/datasets/components/ColumnChoice";
import { DeleteDatasetButton } from "@/features/datasets/components/DeleteDatasetButton";
import { DoctorReport } from "@/features/datasets/components/DoctorReport";
import { DownloadLinks } from "@/features/datasets/components/DownloadLinks";
import { LabelCounts } from "@/features/datasets/components/LabelCounts";
import { LengthHistogram } from "@/features/datasets/components/LengthHistogram";
import { RowPreview } from "@/features/datasets/components/RowPreview";
import { VersionHistory } from "@/features/datasets/components/VersionHistory";
import { formatBytes, formatDate } from "@/lib/format";
import { useDomains } from "@/features/domains/api/get-domains";
import { useSuggestion } from "@/features/domains/api/get-suggestion";
import { KnownByDomain } from "@/features/domains/components/KnownByDomain";
import { SplitNotice } from "@/features/domains/components/SplitNotice";
import { usePageTitle } from "@/lib/page-title";
import { contentsOf, hasLabels, wordsOf } from "@/lib/task-kinds";
import type { DatasetDetail } from "@/lib/types";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useLeadOn } from "../use-lead-on";
import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function DatasetPage() {
  const tenant = useParam("tenant");
  const dataset = useDataset(tenant, useParam("dataset"));
  usePageTitle(dataset.data?.name ?? "Dataset");
  return (
    <PageView query={dataset}>
      {(loaded) => <LoadedDataset key={loaded.id} tenant={tenant} dataset={loaded} />}
    </PageView>
  );
}

function LoadedDataset({ tenant, dataset }: { tenant: string; dataset: DatasetDetail }) {
  const { isOwner, canWrite } = useRole(tenant);
  const leadOn = useLeadOn();
  const onMended = ({ id }: DatasetDetail) => leadOn(paths.dataset(tenant, id));
  const isExamined = dataset.state !== "checking";
  const facts = [
    dataset.version > 1 && `version ${dataset.version}`,
    isExamined && contentsOf(dataset),
    dataset.kind !== "single_label" && wordsOf(dataset.kind).title.toLowerCase(),
    `${formatBytes(dataset.num_bytes)} ${dataset.format.toUpperCase()}`,
    dataset.text_column && `columns “${dataset.text_column}” and “${dataset.label_column}”`,
    `uploaded ${formatDate(dataset.created_at)}`,
  ];
  return (
    <>
      <PageHeader
        title={dataset.name}
        description={facts.filter(Boolean).join(" · ")}
        trail={[{ label: "Datasets", to: paths.datasets(tenant) }]}
        actions={
          isOwner && (
            <DeleteDatasetButton
              tenant={tenant}
              dataset={dataset}
              onDeleted={() => leadOn(paths.datasets(tenant))}
            />
          )
        }
      />
      <DoctorReport tenant={tenant} dataset={dataset} {...(canWrite && { onMended })} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: "start" }}>
        <Stack miw={0}>
          {dataset.report && dataset.num_rows > 0 && (
            <>
              <Section title={hasLabels(dataset.kind) ? "Labels" : "Numbers"}>
                <LabelCounts dataset={dataset} />
              </Section>
              {dataset.report.lengths.length > 0 && (
                <Section title="Lengths of the texts">
                  <LengthHistogram report={dataset.report} />
                </Section>
              )}
            </>
          )}
          {dataset.state === "ready" && (
            <KnownSection tenant={tenant} dataset={dataset.id} canWrite={canWrite} />
          )}
          {canWrite && dataset.report && dataset.report.columns.length > 1 && (
            <Section title="Columns">
              <ColumnChoice tenant={tenant} dataset={dataset} onMended={onMended} />
            </Section>
          )}
        </Stack>
        <Stack miw={0}>
          <Section title="Rows">
            <RowPreview tenant={tenant} dataset={dataset} />
          </Section>
          <Section title="Versions" description="A fix makes a new version; the old ones stay.">
            <VersionHistory
              tenant={tenant}
              dataset={dataset}
              hrefOf={({ id }) => paths.dataset(tenant, id)}
            />
          </Section>
          <Section title="Download">
            <DownloadLinks tenant={tenant} dataset={dataset} />
          </Section>
        </Stack>
      </SimpleGrid>
    </>
  );
}

function KnownSection({ tenant, dataset, canWrite }: { tenant: string; dataset: string; canWrite: boolean }) {
  const { suggestion, isMeasuring } = useSuggestion(tenant, dataset);
  const domains = useDomains(tenant).data?.results ?? [];
  return (
    <Section title="How much each domain knows of it">
      <Stack>
        <SplitNotice
          tenant={tenant}
          dataset={dataset}
          suggestion={suggestion}
          domains={domains}
          canSplit={canWrite}
          hrefOf={({ id }) => paths.dataset(tenant, id)}
        />
        <KnownByDomain suggestion={suggestion} isMeasuring={isMeasuring} domains={domains} />
      </Stack>
    </Section>
  );
}
