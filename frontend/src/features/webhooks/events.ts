/** The events that a webhook may be told of, in words; one that the API gains does not compile until it has some. */

import type { WebhookEvent } from "@/lib/types";

const words: Record<WebhookEvent, string> = {
  "training.succeeded": "A training succeeded",
  "training.failed": "A training failed",
  "version.published": "A version was made",
  "deployment.changed": "Another version serves, or none",
  "deployment.held": "What serves stays on an older tree for a while",
  "deployment.moved": "What stayed on an older tree has moved, or had to",
  "dataset.ready": "A dataset is ready",
  "dataset.blocked": "A dataset has to be fixed",
  "drift.detected": "Live texts have changed",
  "quota.reached": "A quota is used up, or nearly",
};

export const webhookEvents = Object.entries(words).map(([event, told]) => ({
  event: event as WebhookEvent,
  words: told,
}));
