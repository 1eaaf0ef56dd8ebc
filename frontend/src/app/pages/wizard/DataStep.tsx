/** Step 1: upload a file, or take one that was uploaded before, and see what was read in it. */

import { Button, Group, NativeSelect, Paper, Stack, Text } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import { useState } from "react";

import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useDataset } from "@/features/datasets/api/get-dataset";
import { useDatasets } from "@/features/datasets/api/get-datasets";
import { UploadForm } from "@/features/datasets/components/UploadForm";
import { formatCount } from "@/lib/format";
import type { Dataset } from "@/lib/types";

import { WhatWasRead } from "../task/WhatWasRead";

interface Props {
  tenant: string;
  onChosen: (dataset: string) => void;
}

export function DataStep({ tenant, onChosen }: Props) {
  const datasets = useDatasets(tenant);
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <Section
      title="What should the model learn from?"
      description="A file of texts, each with the label that it should get. A few hundred rows of each label are a good start."
    >
      <QueryView query={datasets} height={260}>
        {({ results }) => (
          <Stack>
            <UploadForm tenant={tenant} onUploaded={({ id }) => setChosen(id)} />
            {results.length > 0 && (
              <NativeSelect
                label="Or take a file that was uploaded before"
                value={chosen ?? ""}
                onChange={(event) => setChosen(event.currentTarget.value || null)}
                data={[
                  { value: "", label: "Choose …" },
                  ...results.map((dataset) => ({ value: dataset.id, label: optionWords(dataset) })),
                ]}
                maw={560}
              />
            )}
            {chosen && (
              <Chosen key={chosen} tenant={tenant} id={chosen} onMended={setChosen} onChosen={onChosen} />
            )}
          </Stack>
        )}
      </QueryView>
    </Section>
  );
}

function optionWords({ name, version, state, num_rows, labels }: Dataset): string {
  const told = version > 1 ? `${name}, version ${version}` : name;
  if (state === "blocked") return `${told} (to be fixed first)`;
  if (state === "checking") return `${told} (being examined)`;
  return `${told} (${formatCount(num_rows, "row")}, ${formatCount(labels.length, "label")})`;
}

interface ChosenProps {
  tenant: string;
  id: string;
  onMended: (id: string) => void;
  onChosen: (id: string) => void;
}

function Chosen({ tenant, id, onMended, onChosen }: ChosenProps) {
  const dataset = useDataset(tenant, id);
  const isReady = dataset.data?.state === "ready";
  return (
    <Paper withBorder p="md" radius="md">
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
