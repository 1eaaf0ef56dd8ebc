/** Tries texts on the deployed version and shows the whole answer. */

import { Button, Group, Paper, SegmentedControl, SimpleGrid, Stack, Text, Textarea } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { formatCount, formatNumber } from "@/lib/format";

import { usePredict } from "../api/predict";
import { BatchTable } from "./BatchTable";
import { PredictionCard } from "./PredictionCard";
import { SameCall } from "./SameCall";

/** As many as the service takes in one call. */
const maxTexts = 64;

interface Props {
  tenant: string;
  task: string;
}

export function Playground({ tenant, task }: Props) {
  const predict = usePredict(tenant, task);
  const [input, setInput] = useState("");
  const [isBatch, setIsBatch] = useState(false);
  const [shown, setShown] = useState(0);
  const texts = isBatch ? linesOf(input) : input.trim() ? [input] : [];
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setShown(0);
    predict.mutate(texts);
  };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Stack miw={0}>
        <Paper withBorder p="md" radius="md" component="form" onSubmit={submit}>
          <Stack>
            <SegmentedControl
              size="xs"
              value={isBatch ? "batch" : "one"}
              onChange={(value) => setIsBatch(value === "batch")}
              data={[
                { value: "one", label: "One text" },
                { value: "batch", label: "One text per line" },
              ]}
              aria-label="How the field is read"
              style={{ alignSelf: "flex-start" }}
            />
            <Textarea
              label={isBatch ? "Texts" : "Text"}
              placeholder={
                isBatch
                  ? "Paste texts, one per line"
                  : "Type or paste a text as your application would send it"
              }
              value={input}
              onChange={(event) => setInput(event.currentTarget.value)}
              autosize
              minRows={6}
              maxRows={16}
              required
              withAsterisk={false}
              error={
                texts.length > maxTexts &&
                `${formatCount(texts.length, "text")}: at most ${formatNumber(maxTexts)} go at once`
              }
            />
            <Group>
              <Button
                type="submit"
                loading={predict.isPending}
                disabled={texts.length === 0 || texts.length > maxTexts}
              >
                Predict
              </Button>
              {isBatch && texts.length > 0 && (
                <Text size="sm" c="dimmed">
                  {formatCount(texts.length, "text")}
                </Text>
              )}
            </Group>
          </Stack>
        </Paper>
        <SameCall task={task} texts={texts.slice(0, maxTexts)} />
      </Stack>
      <Stack aria-live="polite" miw={0}>
        {predict.isError ? (
          <ErrorNotice error={predict.error} title="No prediction" />
        ) : predict.data ? (
          <>
            {predict.data.predictions.length > 1 && (
              <BatchTable texts={predict.variables} answer={predict.data} shown={shown} onShow={setShown} />
            )}
            <PredictionCard answer={predict.data} text={predict.variables[shown] ?? ""} index={shown} />
          </>
        ) : null}
      </Stack>
    </SimpleGrid>
  );
}

function linesOf(input: string): string[] {
  return input
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}
