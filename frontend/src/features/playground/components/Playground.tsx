/** Tries a text on the deployed version and shows the whole answer. */

import { Button, Group, Paper, SimpleGrid, Stack, Textarea } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { CopyField } from "@/components/ui/CopyField";
import { ErrorNotice } from "@/components/ui/ErrorNotice";

import { usePredict } from "../api/predict";
import { curlCommand } from "../curl";
import { PredictionCard } from "./PredictionCard";

interface Props {
  tenant: string;
  task: string;
}

export function Playground({ tenant, task }: Props) {
  const predict = usePredict(tenant, task);
  const [text, setText] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    predict.mutate(text);
  };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Stack>
        <Paper withBorder p="md" radius="md" component="form" onSubmit={submit}>
          <Stack>
            <Textarea
              label="Text"
              placeholder="Type or paste a text as your application would send it"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              autosize
              minRows={6}
              maxRows={16}
              required
              withAsterisk={false}
            />
            <Group>
              <Button type="submit" loading={predict.isPending}>
                Predict
              </Button>
            </Group>
          </Stack>
        </Paper>
        <CopyField
          label="The same call with curl"
          value={curlCommand(window.location.origin, task, text || "Your text")}
        />
      </Stack>
      <div aria-live="polite">
        {predict.isError ? (
          <ErrorNotice error={predict.error} title="No prediction" />
        ) : predict.data ? (
          <PredictionCard answer={predict.data} />
        ) : null}
      </div>
    </SimpleGrid>
  );
}
