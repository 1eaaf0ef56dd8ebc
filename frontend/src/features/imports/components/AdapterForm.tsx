/** Takes an adapter's files, says what is missing, and sends them with what answers are to be compared on. */

import {
  Alert,
  Anchor,
  Button,
  Group,
  List,
  NativeSelect,
  NumberInput,
  Stack,
  Text,
  ThemeIcon,
} from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconCheck, IconFolderUp, IconMinus } from "@tabler/icons-react";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { SendingProgress } from "@/components/ui/SendingProgress";
import { afterChange } from "@/lib/after-change";
import { formatBytes } from "@/lib/format";
import { contentsOf } from "@/lib/task-kinds";
import type { Dataset } from "@/lib/types";

import {
  areWhole,
  type ChosenFiles,
  type KnownFile,
  knownFiles,
  neededOf,
  nothingChosen,
  obstacleOf,
  packed,
  withFiles,
} from "../adapter-files";
import { useBringAdapter } from "../api/bring-adapter";

const usualPercent = 90;

interface Props {
  tenant: string;
  task: string;
  /** Those on whose rows answers can be compared. */
  datasets: Dataset[];
}

export function AdapterForm({ tenant, task, datasets }: Props) {
  const bring = useBringAdapter(tenant, task);
  const [chosen, setChosen] = useState<ChosenFiles>(nothingChosen);
  const [dataset, setDataset] = useState<string | null>(null);
  const [percent, setPercent] = useState<number | string>(usualPercent);
  const comparedOn = dataset ?? datasets[0]?.id ?? "";
  const obstacle = obstacleOf(chosen);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const sent = {
      file: packed(chosen),
      dataset: comparedOn || null,
      minAgreement: Number(percent === "" ? usualPercent : percent) / 100,
    };
    afterChange(bring.mutateAsync(sent), () => setChosen(nothingChosen));
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Dropzone
          onDrop={(files) => setChosen(withFiles(chosen, files))}
          disabled={bring.isPending}
          aria-label="Choose the adapter's files, or an archive of them"
          p="lg"
        >
          <Stack align="center" gap={6} ta="center" style={{ pointerEvents: "none" }}>
            <IconFolderUp size={40} stroke={1.4} aria-hidden />
            <Text fw={600}>Drop the adapter's folder here, or click to choose its files</Text>
            <Text size="sm" c="dimmed">
              An archive of it will do as well: .zip, .tar or .tar.gz, up to 64 MiB.
            </Text>
          </Stack>
        </Dropzone>
        {chosen.archive ? (
          <Text size="sm" role="status">
            <strong>{chosen.archive.name}</strong> ({formatBytes(chosen.archive.size)}) is looked into once it
            has been sent.
          </Text>
        ) : (
          <FileList chosen={chosen} />
        )}
        {obstacle !== null && (
          <Alert color="yellow" variant="light" role="status">
            {obstacle}
          </Alert>
        )}
        <NativeSelect
          label="Compare answers on"
          description="On rows that the domain has not learnt, the adapter must answer here as it does at home."
          value={comparedOn}
          onChange={(event) => setDataset(event.currentTarget.value)}
          data={[
            ...datasets.map((each) => ({ value: each.id, label: `${nameOf(each)} (${contentsOf(each)})` })),
            { value: "", label: "the texts in expected.jsonl alone" },
          ]}
        />
        <NumberInput
          label="Texts that must be answered the same"
          description="Else the version is kept as a draft, which cannot be deployed."
          value={percent}
          onChange={setPercent}
          min={0}
          max={100}
          decimalScale={1}
          suffix="%"
          maw={320}
        />
        {bring.isError && <ErrorNotice error={bring.error} title="The adapter was not taken" />}
        {bring.isPending ? (
          <SendingProgress
            share={bring.progress}
            sending="Sending the adapter"
            reading="Taking it in …"
            readingAloud="All of it; the server takes it in"
            onStop={bring.stop}
          />
        ) : (
          <Group>
            <Button type="submit" disabled={!areWhole(chosen)}>
              Bring this adapter
            </Button>
            {chosen !== nothingChosen && (
              <Anchor component="button" type="button" size="sm" onClick={() => setChosen(nothingChosen)}>
                Choose others
              </Anchor>
            )}
          </Group>
        )}
      </Stack>
    </form>
  );
}

/** Which of the files that are read are there. */
function FileList({ chosen: { files, others } }: { chosen: ChosenFiles }) {
  return (
    <div>
      <List size="sm" spacing={6} aria-label="Files that are read">
        {knownFiles.map((known) => (
          <FileItem
            key={known.name}
            known={known}
            isNeeded={neededOf(files).includes(known.name)}
            file={files.get(known.name)}
          />
        ))}
      </List>
      {others.length > 0 && (
        <Text size="sm" c="dimmed" mt="xs" style={{ overflowWrap: "anywhere" }}>
          Not sent, since nobody reads them: {others.join(", ")}.
        </Text>
      )}
    </div>
  );
}

interface FileItemProps {
  known: KnownFile;
  isNeeded: boolean;
  file: File | undefined;
}

function FileItem({ known: { name, words }, isNeeded, file }: FileItemProps) {
  const state = file ? formatBytes(file.size) : isNeeded ? "needed" : "if you like";
  return (
    <List.Item
      icon={
        <ThemeIcon size={20} radius="xl" variant="light" color={file ? "teal" : "gray"} aria-hidden>
          {file ? <IconCheck size={14} /> : <IconMinus size={14} />}
        </ThemeIcon>
      }
      style={{ overflowWrap: "anywhere" }}
    >
      <code>{name}</code> ({state}):{" "}
      <Text span size="sm" c="dimmed">
        {words}
      </Text>
    </List.Item>
  );
}

/** Versions of one upload have the same name. */
function nameOf({ name, version }: Dataset): string {
  return version > 1 ? `${name}, version ${version}` : name;
}
