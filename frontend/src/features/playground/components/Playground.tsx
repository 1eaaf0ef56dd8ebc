/** Tries texts on the deployed version and shows the whole answer. */

import { Button, Group, Paper, SegmentedControl, SimpleGrid, Stack, Text, Textarea } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { formatCount, formatNumber } from "@/lib/format";
import type { TaskKind } from "@/lib/types";

import { type PredictInput, usePredict } from "../api/predict";
import { BatchTable } from "./BatchTable";
import { ErrorLevelChoice } from "./ErrorLevelChoice";
import { PredictionCard } from "./PredictionCard";
import { SameCall } from "./SameCall";

/** As many as the service takes in one call. */
const maxTexts = 64;

interface Props {
  tenant: string;
  task: string;
  kind: TaskKind;
}

export function Playground({ tenant, task, kind }: Props) {
  const predict = usePredict(tenant, task);
  const [input, setInput] = useState("");
  const [second, setSecond] = useState("");
  const [isBatch, setIsBatch] = useState(false);
  const [errorLevel, setErrorLevel] = useState<number | null>(null);
  const [shown, setShown] = useState(0);
  const isPair = kind === "sentence_pair";
  const inputs = inputsOf({ input, second, isPair, isBatch });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setShown(0);
    predict.mutate({ inputs, errorLevel });
  };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Stack miw={0}>
        <Paper withBorder p="md" radius="md" component="form" onSubmit={submit}>
          <Stack>
            {!isPair && (
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
            )}
            <Textarea
              label={isPair ? "First text" : isBatch ? "Texts" : "Text"}
              placeholder={
                isBatch
                  ? "Paste texts, one per line"
                  : "Type or paste a text as your application would send it"
              }
              value={input}
              onChange={(event) => setInput(event.currentTarget.value)}
              autosize
              minRows={isPair ? 3 : 6}
              maxRows={16}
              required
              withAsterisk={false}
              error={
                inputs.length > maxTexts &&
                `${formatCount(inputs.length, "text")}: at most ${formatNumber(maxTexts)} go at once`
              }
            />
            {isPair && (
              <Textarea
                label="Second text"
                value={second}
                onChange={(event) => setSecond(event.currentTarget.value)}
                autosize
                minRows={3}
                maxRows={16}
                required
                withAsterisk={false}
              />
            )}
            {(kind === "single_label" || isPair) && (
              <ErrorLevelChoice value={errorLevel} onChange={setErrorLevel} />
            )}
            <Group>
              <Button
                type="submit"
                loading={predict.isPending}
                disabled={inputs.length === 0 || inputs.length > maxTexts}
              >
                Predict
              </Button>
              {isBatch && inputs.length > 0 && (
                <Text size="sm" c="dimmed">
                  {formatCount(inputs.length, "text")}
                </Text>
              )}
            </Group>
          </Stack>
        </Paper>
        <SameCall task={task} kind={kind} inputs={inputs.slice(0, maxTexts)} errorLevel={errorLevel} />
      </Stack>
      <Stack aria-live="polite" miw={0}>
        {predict.isError ? (
          <ErrorNotice error={predict.error} title="No prediction" />
        ) : predict.data ? (
          <>
            {predict.data.predictions.length > 1 && (
              <BatchTable
                inputs={predict.variables.inputs}
                answer={predict.data}
                shown={shown}
                onShow={setShown}
              />
            )}
            <PredictionCard
              answer={predict.data}
              input={predict.variables.inputs[shown] ?? ""}
              index={shown}
            />
          </>
        ) : null}
      </Stack>
    </SimpleGrid>
  );
}

interface Fields {
  input: string;
  second: string;
  isPair: boolean;
  isBatch: boolean;
}

/** What the fields hold, as the service takes it; nothing until every field holds something. */
function inputsOf({ input, second, isPair, isBatch }: Fields): PredictInput[] {
  if (isPair) return input.trim() && second.trim() ? [{ text: input, pair: second }] : [];
  if (isBatch) return linesOf(input);
  return input.trim() ? [input] : [];
}

function linesOf(input: string): string[] {
  return input
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}
