/** A tenant's datasets, and uploading one more. */

import { Stack } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";

import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useDatasets } from "@/features/datasets/api/get-datasets";
import { useIsSending, useUploads } from "@/features/datasets/api/get-uploads";
import { DatasetTable } from "@/features/datasets/components/DatasetTable";
import { KindChoice } from "@/features/datasets/components/KindChoice";
import { UploadForm } from "@/features/datasets/components/UploadForm";
import { UploadList } from "@/features/datasets/components/UploadList";
import { usePageTitle } from "@/lib/page-title";
import type { TaskKind } from "@/lib/types";

import { paths } from "../paths";
import { useLeadOn } from "../use-lead-on";
import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function DatasetsPage() {
  usePageTitle("Datasets");
  const tenant = useParam("tenant");
  const { canWrite } = useRole(tenant);
  const [page, setPage] = useState(1);
  const [kind, setKind] = useState<TaskKind>("single_label");
  const datasets = useDatasets(tenant, page);
  const uploads = useUploads(tenant);
  const isSending = useIsSending(tenant);
  const waiting = uploads.data?.results.filter(({ dataset }) => dataset === null) ?? [];
  const leadOn = useLeadOn();
  return (
    <>
      <PageHeader
        title="Datasets"
        description="Files of labelled text, as they were read. Tasks are trained on them."
      />
      {canWrite && (
        <Section title="Upload a file">
          <Stack>
            <KindChoice label="A model that learns from it will give" value={kind} onChange={setKind} />
            <UploadForm
              tenant={tenant}
              kind={kind}
              onUploaded={({ id, name }) => {
                if (leadOn(paths.dataset(tenant, id))) return;
                notifications.show({
                  color: "teal",
                  title: `${name} was uploaded`,
                  message: "What was read in it stands on its page, under Datasets.",
                });
              }}
            />
          </Stack>
        </Section>
      )}
      {canWrite && !isSending && waiting.length > 0 && (
        <Section
          title="Not all here yet"
          description="Choose the same file above, in the same browser, to go on where it stopped. What is left for a day is thrown away."
        >
          <UploadList tenant={tenant} uploads={waiting} />
        </Section>
      )}
      <QueryView query={datasets}>
        {(list) =>
          list.count > 0 && (
            <Section title="Uploaded so far">
              <DatasetTable datasets={list.results} hrefOf={({ id }) => paths.dataset(tenant, id)} />
              <ListPages list={list} page={page} onChange={setPage} />
            </Section>
          )
        }
      </QueryView>
    </>
  );
}
