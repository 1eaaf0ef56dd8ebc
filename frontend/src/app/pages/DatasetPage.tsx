/** One dataset: what the server noticed, label counts, rows. */

import { SimpleGrid, Stack } from "@mantine/core";
import { useNavigate } from "react-router";

import { PageHeader } from "@/components/ui/PageHeader";
import { Section } from "@/components/ui/Section";
import { useDataset } from "@/features/datasets/api/get-dataset";
import { DatasetFindings } from "@/features/datasets/components/DatasetFindings";
import { DeleteDatasetButton } from "@/features/datasets/components/DeleteDatasetButton";
import { LabelCounts } from "@/features/datasets/components/LabelCounts";
import { RowPreview } from "@/features/datasets/components/RowPreview";
import { formatBytes, formatCount, formatDate } from "@/lib/format";
import { usePageTitle } from "@/lib/page-title";
import type { Dataset } from "@/lib/types";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function DatasetPage() {
  const tenant = useParam("tenant");
  const dataset = useDataset(tenant, useParam("dataset"));
  usePageTitle(dataset.data?.name ?? "Dataset");
  return (
    <PageView query={dataset}>{(loaded) => <LoadedDataset tenant={tenant} dataset={loaded} />}</PageView>
  );
}

function LoadedDataset({ tenant, dataset }: { tenant: string; dataset: Dataset }) {
  const { isOwner } = useRole(tenant);
  const navigate = useNavigate();
  const facts = [
    formatCount(dataset.num_rows, "row"),
    formatCount(dataset.labels.length, "label"),
    `${formatBytes(dataset.num_bytes)} ${dataset.format.toUpperCase()}`,
    `columns “${dataset.text_column}” and “${dataset.label_column}”`,
    `uploaded ${formatDate(dataset.created_at)}`,
  ];
  return (
    <>
      <PageHeader
        title={dataset.name}
        description={facts.join(" · ")}
        trail={[{ label: "Datasets", to: paths.datasets(tenant) }]}
        actions={
          isOwner && (
            <DeleteDatasetButton
              tenant={tenant}
              dataset={dataset}
              onDeleted={() => void navigate(paths.datasets(tenant))}
            />
          )
        }
      />
      <DatasetFindings dataset={dataset} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: "start" }}>
        <Section title="Labels">
          <LabelCounts dataset={dataset} />
        </Section>
        <Stack miw={0}>
          <Section title="Rows">
            <RowPreview tenant={tenant} dataset={dataset} />
          </Section>
        </Stack>
      </SimpleGrid>
    </>
  );
}
