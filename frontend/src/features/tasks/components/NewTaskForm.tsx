/** Names a new task and chooses its domain. */

import { Button, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { Task } from "@/lib/types";

import { useCreateTask } from "../api/create-task";
import { useDomains } from "../api/get-domains";

interface Props {
  tenant: string;
  onCreated: (task: Task) => void;
}

export function NewTaskForm({ tenant, onCreated }: Props) {
  const create = useCreateTask(tenant);
  const domains = useDomains(tenant);
  const [name, setName] = useState("");
  const [domain, setDomain] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(create.mutateAsync({ name: name.trim(), ...(domain && { domain }) }), onCreated);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {create.isError && <ErrorNotice error={create.error} title="The task was not created" />}
        <TextInput
          label="Name"
          description="What the model shall decide, for instance “Support mail topics”."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={80}
          required
          withAsterisk={false}
          autoFocus
        />
        <NativeSelect
          label="Domain"
          description="The kind of text. Tasks that read the same kind of text share what HMI learns from it."
          value={domain}
          onChange={(event) => setDomain(event.currentTarget.value)}
          data={[
            { value: "", label: "A new domain for this task" },
            ...(domains.data?.results ?? [])
              .filter(({ is_shared }) => !is_shared)
              .map(({ slug, name: label }) => ({ value: slug, label })),
          ]}
        />
        <Group>
          <Button type="submit" loading={create.isPending}>
            Create task
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
