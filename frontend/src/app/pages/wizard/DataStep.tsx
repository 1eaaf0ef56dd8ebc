/** Step 1: what the model is to decide, and the file to learn it from, with what was read in it. */

import { Button, Group, NativeSelect, Paper, Stack, Text } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useAllDatasets } from "@/features/datasets/api/get-all-datasets";
import { useDataset } from "@/features/datasets/api/get-dataset";
import { KindChoice } from "@/features/datasets/components/KindChoice";
import { UploadForm } from "@/features/datasets/components/UploadForm";
import { isToBeFixed } from "@/features/datasets/versions";
import { contentsOf } from "@/lib/task-kinds";
import type { Dataset, TaskKind } from "@/lib/types";

import { WhatWasRead } from "../task/WhatWasRead";

interface Props {
  tenant: string;
  onChosen: (dataset: string) => void;
}

export function DataStep({ tenant, onChosen }: Props) {
  const datasets = useAllDatasets(tenant);
  const [chosen, setChosen] = useState<string | null>(null);
  const [arrived, setArrived] = useState<string | null>(null);
  const [kind, setKind] = useState<TaskKind>("single_label");
  const choose = (next: TaskKind) => {
    setKind(next);
    setChosen(null);
  };
  const take = (id: string) => {
    setChosen(id);
    setArrived(id);
  };
  return (
    <Section
      title="What should the model learn?"
      description="From a file of examples: texts with the right answers. A few hundred rows of each label are a good start."
    >
      <QueryView query={datasets} height={260}>
        {(results) => (
          <Stack>
            <KindChoice label="It will give" value={kind} onChange={choose} />
            <UploadForm tenant={tenant} kind={kind} onUploaded={({ id }) => take(id)} />
            {results.some((dataset) => dataset.kind === kind) && (
              <NativeSelect
                label="Or take a file that was uploaded before"
                value={chosen ?? ""}
                onChange={(event) => setChosen(event.currentTarget.value || null)}
                data={[
                  { value: "", label: "Choose …" },
                  ...results
                    .filter((dataset) => dataset.kind === kind)
                    .filter((dataset) => dataset.state !== "blocked" || isToBeFixed(dataset, results))
                    .map((dataset) => ({ value: dataset.id, label: optionWords(dataset) })),
                ]}
                maw={560}
              />
            )}
            {chosen && (
              <Chosen
                key={chosen}
                tenant={tenant}
                id={chosen}
                hasArrived={chosen === arrived}
                onMended={take}
                onChosen={onChosen}
              />
            )}
          </Stack>
        )}
      </QueryView>
    </Section>
  );
}

function optionWords(dataset: Dataset): string {
  const { name, version, state } = dataset;
  const told = version > 1 ? `${name}, version ${version}` : name;
  if (state === "blocked") return `${told} (to be fixed first)`;
  if (state === "checking") return `${told} (being examined)`;
  return `${told} (${contentsOf(dataset)})`;
}

interface ChosenProps {
  tenant: string;
  id: string;
  /** It was uploaded or mended just now: its report, which may be out of sight, comes into view. */
  hasArrived: boolean;
  onMended: (id: string) => void;
  onChosen: (id: string) => void;
}

function Chosen({ tenant, id, hasArrived, onMended, onChosen }: ChosenProps) {
  const dataset = useDataset(tenant, id);
  const report = useRef<HTMLDivElement>(null);
  const isRead = dataset.data !== undefined && dataset.data.state !== "checking";
  useEffect(() => {
    if (!hasArrived || !isRead) return;
    report.current?.focus({ preventScroll: true });
    report.current?.scrollIntoView({ block: "start" });
  }, [hasArrived, isRead]);
  const isReady = dataset.data?.state === "ready";
  return (
    <Paper
      ref={report}
      component="section"
      aria-label="What was read in the file"
      tabIndex={-1}
      withBorder
      p="md"
      radius="md"
      style={{ scrollMarginTop: "calc(var(--app-shell-header-height) + var(--mantine-spacing-md))" }}
    >
      <WhatWasRead tenant={tenant} id={id} onMended={(next) => onMended(next.id)} />
      <Group mt="md" justify="flex-end">
        {dataset.data?.state === "blocked" && (
          <Text size="sm">Fix what must be fixed, or upload another file.</Text>
        )}
        <Button
          disabled={!isReady}
          onClick={() => onChosen(id)}
          rightSection={<IconArrowRight size={16} aria-hidden />}
        >
          Go on with this file
        </Button>
      </Group>
    </Paper>
  );
}
