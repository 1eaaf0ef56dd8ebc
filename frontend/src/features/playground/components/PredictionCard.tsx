/** One answer of the inference service: label or value, scores, what PLOT knew, and the proof of what answered. */

import { Alert, Paper, Stack, Text, Title } from "@mantine/core";
import { IconCut } from "@tabler/icons-react";

import { ShareBar } from "@/components/ui/ShareBar";
import { formatCount } from "@/lib/format";

import { answerOf } from "../answer";
import type { Prediction, PredictInput, PredictResponse } from "../api/predict";
import { FoundText } from "./FoundText";
import { TokenText } from "./TokenText";

const maxShownScores = 12;

interface Props {
  answer: PredictResponse;
  /** What was asked, and its place among the inputs of the call. */
  input: PredictInput;
  index: number;
}

export function PredictionCard({ answer, input, index }: Props) {
  const prediction = answer.predictions[index];
  if (!prediction) return null;
  const { coverage } = prediction;
  const { name, words, isSure, scores, given } = answerOf(prediction);
  const { queue_ms, retrieve_ms, compute_ms } = answer.timings;
  return (
    <Paper withBorder p="md" radius="md">
      <Stack>
        <div>
          <Text size="sm" c="dimmed">
            {isSure ? name : "Not sure"}
          </Text>
          <Title order={2} style={{ overflowWrap: "anywhere" }}>
            {words}
          </Title>
          {sureness(prediction) && <Text size="sm">{sureness(prediction)}</Text>}
        </div>
        {prediction.truncated && (
          <Alert color="yellow" variant="light" icon={<IconCut aria-hidden />} title="The text was cut">
            Only the first {formatCount(prediction.num_tokens, "token")} were read.
          </Alert>
        )}
        {"spans" in prediction && typeof input === "string" && (
          <FoundText text={input} spans={prediction.spans} />
        )}
        {scores.length > 0 && (
          <Stack gap="xs" component="section" aria-label="Scores">
            {scores.slice(0, maxShownScores).map(([label, score]) => (
              <ShareBar key={label} name={label} share={score} strong={given.has(label)} />
            ))}
            {scores.length > maxShownScores && (
              <Text size="xs" c="dimmed">
                and {formatCount(scores.length - maxShownScores, "label")} with lower scores
              </Text>
            )}
          </Stack>
        )}
        <Stack gap="xs" component="section" aria-label="Coverage">
          <Text size="sm" fw={500}>
            How much of the text PLOT knew
          </Text>
          {prediction.tokens && typeof input === "string" && (
            <TokenText text={input} tokens={prediction.tokens} />
          )}
          <ShareBar name="Three tokens together" share={coverage.trigram} color="teal.6" />
          <ShareBar name="Two tokens" share={coverage.bigram} color="cyan.6" />
          <ShareBar name="One token" share={coverage.unigram} color="yellow.6" />
          {coverage.exact > 0 && <ShareBar name="Computed" share={coverage.exact} color="violet.6" />}
          <Text size="xs" c="dimmed">
            Of all {formatCount(prediction.num_tokens, "token")}, those that mark beginning and end included.
          </Text>
        </Stack>
        <Text size="xs" c="dimmed" component="dl" m={0} style={{ overflowWrap: "anywhere" }}>
          <Fact
            name="Answered by"
            value={`version ${answer.model.version}, adapter ${short(answer.model.adapter_digest)}`}
          />
          <Fact name="PLOT" value={`tree ${short(answer.model.tree_version)}`} />
          <Fact
            name="Time"
            value={`${queue_ms.toFixed(1)} ms waiting, ${retrieve_ms.toFixed(1)} ms retrieving, ${compute_ms.toFixed(1)} ms computing`}
          />
          <Fact name="Read" value={formatCount(prediction.num_tokens, "token")} />
          <Fact name="Request" value={answer.request_id} />
        </Text>
      </Stack>
    </Paper>
  );
}

/** Of an answer that might have been "not sure". */
function sureness(prediction: Prediction): string | null {
  if (!("label" in prediction) || !prediction.label_set) return null;
  return prediction.abstained
    ? "One of these is right, as often as was asked for; which one, it does not know: let a person look."
    : "Sure enough for what was asked: no other label comes into question.";
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt style={{ display: "inline", fontWeight: 500 }}>{name}: </dt>
      <dd style={{ display: "inline", margin: 0 }}>{value}</dd>
    </div>
  );
}

/** The first digits of a digest, enough to tell two apart. */
function short(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}
