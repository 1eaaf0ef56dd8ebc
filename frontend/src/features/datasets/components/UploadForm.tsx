/** Takes a file by drag and drop or from the file dialogue, sends it and shows what the server found wrong. */

import { Alert, Button, Collapse, Group, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { Dropzone, type FileRejection } from "@mantine/dropzone";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertCircle, IconFileUpload } from "@tabler/icons-react";
import { useEffect, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { SendingProgress } from "@/components/ui/SendingProgress";
import { afterChange } from "@/lib/after-change";
import { ApiError } from "@/lib/api-error";
import { formatBytes } from "@/lib/format";
import { wordsOf } from "@/lib/task-kinds";
import type { DatasetDetail, TaskKind } from "@/lib/types";

import { useUploadDataset } from "../api/upload-dataset";
import { findingsOf } from "../findings";
import { FindingList } from "./FindingList";

const extensions = [".csv", ".tsv", ".jsonl", ".parquet", ".conll"];

interface Props {
  tenant: string;
  /** Of the task that is to be trained on the file. */
  kind: TaskKind;
  onUploaded: (dataset: DatasetDetail) => void;
}

export function UploadForm({ tenant, kind, onUploaded }: Props) {
  const upload = useUploadDataset(tenant);
  const [file, setFile] = useState<File | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [textColumn, setTextColumn] = useState("");
  const [labelColumn, setLabelColumn] = useState("");
  const [pairColumn, setPairColumn] = useState("");
  const [labelSeparator, setLabelSeparator] = useState("");
  const [areColumnsOpen, columns] = useDisclosure(false);

  const isColumnMissing = upload.error instanceof ApiError && upload.error.code === "dataset_missing_column";
  useEffect(() => {
    if (isColumnMissing) columns.open();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `columns` is a new object at each render
  }, [isColumnMissing]);

  const send = (chosen: File) => {
    setFile(chosen);
    setRefusal(null);
    afterChange(
      upload.mutateAsync({
        file: chosen,
        kind,
        textColumn: textColumn.trim(),
        labelColumn: labelColumn.trim(),
        pairColumn: pairColumn.trim(),
        labelSeparator,
      }),
      onUploaded,
    );
  };
  const choose = (fit: File[], others: FileRejection[]) => {
    const number = fit.length + others.length;
    const name = others[0]?.file.name;
    if (number > 1) setRefusal(`One file at a time: these were ${number}, and none was sent.`);
    else if (fit[0]) send(fit[0]);
    else if (name !== undefined)
      setRefusal(`${name} is not a CSV, TSV, JSON lines, Parquet or CoNLL file (${extensions.join(", ")}).`);
  };

  return (
    <Stack>
      <Dropzone
        onDropAny={choose}
        onDrop={() => undefined /* which hears of the first file alone */}
        validator={({ name }) =>
          extensions.some((extension) => name.toLowerCase().endsWith(extension))
            ? null
            : { code: "extension", message: "unknown kind of file" }
        }
        multiple={false}
        disabled={upload.isPending}
        aria-label="Choose a file to upload"
        p="xl"
      >
        <Stack align="center" gap={6} ta="center" style={{ pointerEvents: "none" }}>
          <IconFileUpload size={40} stroke={1.4} aria-hidden />
          <Text fw={600}>
            Drop a CSV, TSV, JSON lines, Parquet or CoNLL file here, or click to choose one
          </Text>
          <Text size="sm" c="dimmed">
            {wordsOf(kind).file} What is wrong with it can be fixed here.
          </Text>
        </Stack>
      </Dropzone>

      {refusal && (
        <Alert color="red" variant="light" icon={<IconAlertCircle aria-hidden />} role="alert">
          {refusal}
        </Alert>
      )}
      {upload.isPending && file && (
        <SendingProgress
          share={upload.progress}
          sending={`Sending ${file.name} (${formatBytes(file.size)})`}
          reading={`Checking ${file.name} …`}
          readingAloud="All of it; the server is checking it"
          onStop={upload.stop}
        />
      )}
      {upload.isError && <Refused error={upload.error} />}

      <Group gap="xs">
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={columns.toggle}
          aria-expanded={areColumnsOpen}
          aria-controls="upload-columns"
        >
          {kind === "multi_label" ? "Other names or another separator" : "The columns have other names"}
        </Button>
        {upload.isError && file && (
          <Button size="compact-sm" variant="default" onClick={() => send(file)}>
            Upload {file.name} again
          </Button>
        )}
      </Group>
      <Collapse expanded={areColumnsOpen} id="upload-columns">
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            label="Column with the text"
            placeholder="text"
            value={textColumn}
            onChange={(event) => setTextColumn(event.currentTarget.value)}
          />
          {kind === "sentence_pair" && (
            <TextInput
              label="Column with the second text"
              placeholder="text2"
              value={pairColumn}
              onChange={(event) => setPairColumn(event.currentTarget.value)}
            />
          )}
          <TextInput
            label={labelColumnWords(kind)}
            placeholder="label"
            value={labelColumn}
            onChange={(event) => setLabelColumn(event.currentTarget.value)}
          />
          {kind === "multi_label" && (
            <TextInput
              label="What stands between two labels"
              placeholder=";"
              maxLength={8}
              value={labelSeparator}
              onChange={(event) => setLabelSeparator(event.currentTarget.value)}
            />
          )}
        </SimpleGrid>
      </Collapse>
    </Stack>
  );
}

function labelColumnWords(kind: TaskKind): string {
  if (kind === "score") return "Column with the number";
  return kind === "multi_label" ? "Column with the labels" : "Column with the label";
}

function Refused({ error }: { error: Error }) {
  const findings = findingsOf(error);
  if (findings.length === 0) return <ErrorNotice error={error} title="The file was not taken" />;
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertCircle aria-hidden />}
      title="The file was not taken; nothing was kept of it"
      role="alert"
    >
      <FindingList findings={findings} />
    </Alert>
  );
}
