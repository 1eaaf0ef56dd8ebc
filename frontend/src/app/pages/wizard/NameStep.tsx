/** Step 2: name the task and choose the domain; the one that knows most of the file's text is suggested. */

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { Section } from "@/components/ui/Section";
import { useDataset } from "@/features/datasets/api/get-dataset";
import { useCreateDomain } from "@/features/domains/api/create-domain";
import { useDomains } from "@/features/domains/api/get-domains";
import { useSuggestion } from "@/features/domains/api/get-suggestion";
import { choicesFor, idOf, suggestedChoice } from "@/features/domains/choices";
import { DomainChoiceList } from "@/features/domains/components/DomainChoiceList";
import { SplitNotice } from "@/features/domains/components/SplitNotice";
import { useCreateTask } from "@/features/tasks/api/create-task";
import { afterChange } from "@/lib/after-change";
import { wordsOf } from "@/lib/task-kinds";
import type { Task, TaskKind } from "@/lib/types";

import { PageView } from "@/app/PageView";
import { paths } from "@/app/paths";
import { useLeadOn } from "@/app/use-lead-on";

interface Props {
  tenant: string;
  dataset: string;
  onBack: () => void;
}

export function NameStep({ tenant, dataset, onBack }: Props) {
  const found = useDataset(tenant, dataset);
  return (
    <PageView query={found}>
      {({ name, kind }) => (
        <NameForm
          key={dataset}
          tenant={tenant}
          dataset={dataset}
          fileName={name}
          kind={kind}
          onBack={onBack}
        />
      )}
    </PageView>
  );
}

function NameForm({ tenant, dataset, fileName, kind, onBack }: Props & { fileName: string; kind: TaskKind }) {
  const leadOn = useLeadOn();
  const domains = useDomains(tenant);
  const { suggestion, isMeasuring } = useSuggestion(tenant, dataset);
  const createTask = useCreateTask(tenant);
  const createDomain = useCreateDomain(tenant);
  const [name, setName] = useState(taskNameFrom(fileName));
  const [chosen, setChosen] = useState<string | null>(null);

  const known = domains.data?.results ?? [];
  const choices = choicesFor(known, suggestion);
  const suggested = suggestedChoice(choices, known, suggestion);
  const value = chosen ?? (suggested ? idOf(suggested) : "");
  const choice = choices.find((each) => idOf(each) === value);

  const create = async (): Promise<Task> => {
    const title = name.trim();
    if (choice?.kind === "own" || choice?.kind === "shared")
      return createTask.mutateAsync({ name: title, kind, domain: choice.slug });
    if (choice?.kind !== "below") return createTask.mutateAsync({ name: title, kind });
    // Made already where only the task was refused, unless another place was chosen since.
    const isMade = createDomain.variables?.parentDomain === choice.slug;
    const made =
      (isMade && createDomain.data) ||
      (await createDomain.mutateAsync({ name: title, parentDomain: choice.slug }));
    return createTask.mutateAsync({ name: title, kind, domain: made.slug });
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(create(), ({ slug }) => leadOn(`${paths.setUpTask(tenant, slug)}?dataset=${dataset}`));
  };
  const error = createDomain.error ?? createTask.error;
  return (
    <Section title="Name and domain" description={`The model will give ${wordsOf(kind).gives}.`}>
      <form onSubmit={submit}>
        <Stack maw={640}>
          {error && <ErrorNotice error={error} title="The task was not created" />}
          <TextInput
            label="Name"
            description="For you and your team, for instance “Support mail topics”."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={80}
            required
            withAsterisk={false}
            autoFocus
          />
          <SplitNotice
            tenant={tenant}
            dataset={dataset}
            suggestion={suggestion}
            domains={known}
            canSplit
            hrefOf={({ id }) => `${paths.newTask(tenant)}?dataset=${id}`}
          />
          <DomainChoiceList
            choices={choices}
            suggested={suggestion?.state === "succeeded" ? suggested : undefined}
            isMeasuring={isMeasuring}
            value={value}
            onChange={setChosen}
          />
          <Group justify="space-between">
            <Button variant="default" onClick={onBack}>
              Back
            </Button>
            <Button
              type="submit"
              loading={createTask.isPending || createDomain.isPending}
              rightSection={<IconArrowRight size={16} aria-hidden />}
            >
              Create task
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}

/** "support_mails.csv" as "Support mails". */
function taskNameFrom(fileName: string): string {
  const words = fileName
    .replace(/\.(csv|tsv|jsonl|parquet|conll)$/i, "")
    .replace(/[_-]+/g, " ")
    .trim();
  return (words.charAt(0).toUpperCase() + words.slice(1)).slice(0, 80);
}
