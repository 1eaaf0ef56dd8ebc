/** Asks the inference service for predictions, as an application would, with a short-lived key. */

import { useMutation } from "@tanstack/react-query";
import { useRef } from "react";

import { ApiError, apiErrorFrom, unreachableError } from "@/lib/api-error";
import type { PlaygroundToken } from "@/lib/types";

import { createPlaygroundToken } from "./create-playground-token";

/** Share of an input's tokens answered at each rung. */
export interface Coverage {
  trigram: number;
  bigram: number;
  unigram: number;
  exact: number;
}

/** One token of the input (places in Unicode code points) and what PLOT answered it with. */
export interface TokenLookup {
  start: number;
  end: number;
  rung: "trigram" | "bigram" | "unigram";
  node: "general" | "domain" | "private";
}

/** What one input is: a text, or two of them for tasks that compare texts. */
export type PredictInput = string | { text: string; pair: string };

export interface LabelAnswer {
  label: string;
  score: number;
  scores: Record<string, number>;
  /** Null unless it was asked for: the labels it may be, the likeliest first, and whether they are several. */
  label_set?: string[] | null;
  abstained?: boolean | null;
}

export interface LabelsAnswer {
  labels: string[];
  scores: Record<string, number>;
}

export interface ValueAnswer {
  value: number;
}

/** A place in the text (in Unicode code points) that has a label. */
export interface FoundSpan {
  start: number;
  end: number;
  label: string;
  score: number;
}

export interface SpansAnswer {
  spans: FoundSpan[];
}

/** How one input was read, and by the task's kind what it was answered. */
export type Prediction = ReadInput & (LabelAnswer | LabelsAnswer | ValueAnswer | SpansAnswer);

interface ReadInput {
  num_tokens: number;
  truncated: boolean;
  coverage: Coverage;
  tokens: TokenLookup[] | null;
}

/** Answer of POST /v1/tasks/{task}/predict. */
export interface PredictResponse {
  predictions: Prediction[];
  model: { task: string; version: number; adapter_digest: string; tree_version: string; backbone: string };
  usage: { num_texts: number; num_tokens: number };
  timings: { queue_ms: number; retrieve_ms: number; compute_ms: number };
  request_id: string;
}

export function predictPath(task: string): string {
  return `/v1/tasks/${encodeURIComponent(task)}/predict`;
}

/** What is asked; with an error level answers may be “not sure”. */
export interface Question {
  inputs: PredictInput[];
  errorLevel: number | null;
}

/** The call's parameters for an error level. */
export function parametersOf(errorLevel: number | null) {
  return errorLevel === null ? {} : { abstain: true, error_level: errorLevel };
}

async function predict(
  task: string,
  { inputs, errorLevel }: Question,
  secret: string,
): Promise<PredictResponse> {
  const response = await fetch(predictPath(task), {
    method: "POST",
    // The key alone decides: what the service answers here, it answers an application too.
    credentials: "omit",
    headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
    // Of pairs the service tells no tokens.
    body: JSON.stringify({
      inputs,
      parameters: {
        ...(inputs.every((input) => typeof input === "string") && { tokens: true }),
        ...parametersOf(errorLevel),
      },
    }),
  }).catch(() => {
    throw unreachableError();
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw apiErrorFrom(response.status, answer);
  return answer as PredictResponse;
}

const renewBeforeMs = 60_000;

export function usePredict(tenant: string, task: string) {
  const token = useRef<PlaygroundToken>(null);

  async function freshSecret(): Promise<string> {
    const isFresh = token.current && Date.parse(token.current.expires_at) - Date.now() > renewBeforeMs;
    if (!isFresh) token.current = await createPlaygroundToken(tenant, task);
    return token.current?.secret ?? "";
  }

  return useMutation({
    mutationFn: async (question: Question) => {
      try {
        return await predict(task, question, await freshSecret());
      } catch (error) {
        // A token may have been revoked since: one new one, then the error stands.
        if (!(error instanceof ApiError && error.code === "invalid_key")) throw error;
        token.current = null;
        return predict(task, question, await freshSecret());
      }
    },
  });
}
