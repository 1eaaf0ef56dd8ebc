/** Says which columns hold the texts and the labels, where the server has guessed wrongly. */

import { Button, Checkbox, Group, NativeSelect, Stack } from "@mantine/core";
import { useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { DatasetDetail } from "@/lib/types";

import { useFixDataset } from "../api/fix-dataset";

interface Props {
  tenant: string;
  dataset: DatasetDetail;
  onMended: (next: DatasetDetail) => void;
}

export function ColumnChoice({ tenant, dataset, onMended }: Props) {
  const names = dataset.report?.columns ?? [];
  const hadHeader = dataset.report?.has_header ?? true;
  const mend = useFixDataset(tenant, dataset);
  const [text, setText] = useState(Math.max(0, names.indexOf(dataset.text_column)));
  const [label, setLabel] = useState(Math.max(0, names.indexOf(dataset.label_column)));
  const isPair = dataset.kind === "sentence_pair";
  const [pair, setPair] = useState(() => {
    const known = names.findIndex((name) => name !== dataset.text_column && name !== dataset.label_column);
    return Math.max(0, known);
  });
  const [hasHeader, setHasHeader] = useState(hadHeader);
  if (names.length < 2) return null;

  const nameOf = (place: number) => (hasHeader ? (names[place] ?? "") : `column ${place + 1}`);
  const options = names.map((name, place) => ({
    value: String(place),
    label: name || `column ${place + 1}`,
  }));
  const columns = {
    text: nameOf(text),
    label: nameOf(label),
    ...(isPair && { pair: nameOf(pair) }),
    has_header: hasHeader,
  };
  const chosen = isPair ? [text, label, pair] : [text, label];
  return (
    <Stack gap="sm">
      {mend.isError && <ErrorNotice error={mend.error} title="The columns were not changed" />}
      <Group grow preventGrowOverflow={false} align="flex-end">
        <NativeSelect
          label="Column with the text"
          data={options}
          value={String(text)}
          onChange={(event) => setText(Number(event.currentTarget.value))}
        />
        {isPair && (
          <NativeSelect
            label="Column with the second text"
            data={options}
            value={String(pair)}
            onChange={(event) => setPair(Number(event.currentTarget.value))}
          />
        )}
        <NativeSelect
          label="Column with the label"
          data={options}
          value={String(label)}
          onChange={(event) => setLabel(Number(event.currentTarget.value))}
        />
      </Group>
      <Checkbox
        label="The first row holds the names of the columns"
        checked={hasHeader}
        disabled={dataset.format === "jsonl" || dataset.format === "parquet" || !hadHeader}
        onChange={(event) => setHasHeader(event.currentTarget.checked)}
      />
      <Group>
        <Button
          size="compact-sm"
          variant="default"
          disabled={new Set(chosen).size < chosen.length}
          loading={mend.isPending}
          onClick={() => afterChange(mend.mutateAsync({ fixes: [], columns }), onMended)}
        >
          Read these columns
        </Button>
      </Group>
    </Stack>
  );
}
