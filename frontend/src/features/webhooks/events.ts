/** The events that a webhook may be told of, in words. */

import type { WebhookEvent } from "@/lib/types";

export const webhookEvents: { event: WebhookEvent; words: string }[] = [
  { event: "training.succeeded", words: "A training succeeded" },
  { event: "training.failed", words: "A training failed" },
  { event: "version.published", words: "A version was made" },
  { event: "deployment.changed", words: "Another version serves, or none" },
  { event: "dataset.ready", words: "A dataset is ready" },
  { event: "dataset.blocked", words: "A dataset has to be fixed" },
  { event: "drift.detected", words: "Live texts have drifted from the training's" },
  { event: "quota.reached", words: "80% or all of a quota is used" },
];
