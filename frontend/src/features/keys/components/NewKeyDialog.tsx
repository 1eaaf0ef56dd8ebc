/** Creates an API key and shows its secret once. */

import { Button, Group, NativeSelect, Radio, Stack, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { ApiKeyCreated, Task } from "@/lib/types";

import { useCreateKey } from "../api/create-key";
import { KeySecretDialog } from "./KeySecretDialog";

interface Props {
  tenant: string;
  tasks: Task[];
  opened: boolean;
  onClose: () => void;
}

export function NewKeyDialog({ tenant, tasks, opened, onClose }: Props) {
  return (
    <KeySecretDialog opened={opened} onClose={onClose} title="New API key">
      {(onCreated) => <NewKeyForm tenant={tenant} tasks={tasks} onCreated={onCreated} />}
    </KeySecretDialog>
  );
}

const day = 24 * 3600 * 1000;
const lifetimes = [
  { value: "", label: "Never" },
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
];

interface FormProps {
  tenant: string;
  tasks: Task[];
  onCreated: (created: ApiKeyCreated) => void;
}

function NewKeyForm({ tenant, tasks, onCreated }: FormProps) {
  const create = useCreateKey(tenant);
  const [name, setName] = useState("");
  const [scope, setScope] = useState("predict");
  const [task, setTask] = useState("");
  const [lifetime, setLifetime] = useState("");
  const isForPredictions = scope === "predict";
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(
      create.mutateAsync({
        name: name.trim(),
        scope: isForPredictions ? "predict" : "manage",
        task: isForPredictions && task ? task : null,
        expiresAt: lifetime ? new Date(Date.now() + Number(lifetime) * day).toISOString() : null,
      }),
      onCreated,
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {create.isError && <ErrorNotice error={create.error} title="The key was not created" />}
        <TextInput
          label="Name"
          description="Who will use it, so that you know what stops when you revoke it."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={80}
          required
          withAsterisk={false}
          data-autofocus
        />
        <Radio.Group label="What it may do" value={scope} onChange={setScope}>
          <Stack gap="xs" mt={6}>
            <Radio value="predict" label="Predict: call deployed tasks" />
            <Radio value="manage" label="Manage: use the REST API in your name (upload, train, deploy)" />
          </Stack>
        </Radio.Group>
        {isForPredictions && (
          <NativeSelect
            label="Task"
            value={task}
            onChange={(event) => setTask(event.currentTarget.value)}
            data={[
              { value: "", label: "All tasks" },
              ...tasks.map(({ slug, name: label }) => ({ value: slug, label })),
            ]}
          />
        )}
        <NativeSelect
          label="Ends"
          value={lifetime}
          onChange={(event) => setLifetime(event.currentTarget.value)}
          data={lifetimes}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            Create key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
