/** A task's name, and which texts are computed in full instead of looked up. */

import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import { formatPercent } from "@/lib/format";
import type { Task } from "@/lib/types";

import { useChangeTask } from "../api/change-task";

interface Props {
  tenant: string;
  task: Task;
  /** Share of the held-out texts' tokens that was known in context, where it was measured. */
  knownShare: number | null;
}

const offered = [0.25, 0.5, 0.75, 0.9];
const never = "";

export function TaskSettingsForm({ tenant, task, knownShare }: Props) {
  const change = useChangeTask(tenant, task.slug);
  // Only what was touched here: what somebody else has changed meanwhile stays as they have set it.
  const [typed, setTyped] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const name = typed ?? task.name;
  const floor = chosen ?? optionOf(task.coverage_floor);
  const isChanged = name.trim() !== task.name || floor !== optionOf(task.coverage_floor);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const changes = {
      ...(name.trim() !== task.name && { name: name.trim() }),
      ...(floor !== optionOf(task.coverage_floor) && {
        coverage_floor: floor === never ? null : Number(floor),
      }),
    };
    afterChange(change.mutateAsync(changes), () => {
      setTyped((now) => (now === typed ? null : now));
      setChosen((now) => (now === chosen ? null : now));
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack maw={640}>
        {change.isError && <ErrorNotice error={change.error} title="Nothing was changed" />}
        <TextInput
          label="Name"
          description="Its address for applications stays as it is."
          value={name}
          onChange={(event) => setTyped(event.currentTarget.value)}
          maxLength={200}
          required
          withAsterisk={false}
        />
        <NativeSelect
          label="Unusual texts"
          description="Answers are quick because HMI looks up what it has learnt about words and their neighbours. A text with few neighbours that it knows can be computed in full instead: slower, and often more accurate."
          value={floor}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={optionsWith(task.coverage_floor)}
        />
        {knownShare !== null && (
          <Text size="xs" c="dimmed">
            Of the texts in the newest report, {formatPercent(knownShare, 0)} was known on average. The report
            shows how accurate it is where less was.
          </Text>
        )}
        <Group>
          <Button type="submit" variant="default" loading={change.isPending} disabled={!isChanged}>
            Save
          </Button>
          <Text size="sm" role="status">
            {change.isSuccess && !isChanged && "Saved."}
          </Text>
        </Group>
      </Stack>
    </form>
  );
}

function optionOf(floor: number | null): string {
  return floor === null ? never : String(floor);
}

/** The shares on offer and the one that is set, which a program may have set to any. */
function optionsWith(current: number | null) {
  const floors = [...new Set([...offered, ...(current === null ? [] : [current])])].sort((a, b) => a - b);
  return [
    { value: never, label: "Look every text up (quickest)" },
    ...floors.map((floor) => ({
      value: String(floor),
      label: `Compute texts of which less than ${formatPercent(floor, 0)} is known`,
    })),
  ];
}
