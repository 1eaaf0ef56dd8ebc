/** What the audit log says, in people's words. */

const changes: Record<string, string> = {
  "contribution.grant": "Contributing to a domain allowed",
  "contribution.revoke": "Contributing to a domain taken back",
  "dataset.create": "File uploaded",
  "dataset.delete": "Dataset deleted",
  "dataset.examine": "File examined",
  "dataset.fix": "Dataset mended",
  "dataset.split": "Dataset split by domains",
  "deployment.bring_back": "Deployment moved back to the tree before",
  "deployment.create": "Version deployed",
  "deployment.end": "Version undeployed",
  "deployment.hold": "Deployment held on an older tree",
  "deployment.follow": "Deployment moved to a new tree",
  "deployment.stay": "Deployment stayed on its tree",
  "deletion.replay": "Deletion done again after a restore",
  "domain.create": "Domain made",
  "domain_job.cancelled": "Update of a domain cancelled",
  "domain_job.create": "Update of a domain asked for",
  "domain_job.failed": "Update of a domain failed",
  "domain_job.succeeded": "Domain updated",
  "estimate.create": "Estimate asked for",
  "estimate.succeeded": "Estimate made",
  "gate_consent.grant": "Trying new trees on held-out rows allowed",
  "gate_consent.revoke": "Trying new trees on held-out rows taken back",
  "import.create": "Adapter brought",
  "import.succeeded": "Adapter accepted",
  "import.failed": "Adapter refused",
  "invitation.create": "Person invited",
  "invitation.revoke": "Invitation revoked",
  "key.create": "API key made",
  "key.revoke": "API key revoked",
  "key.rotate": "API key rotated",
  "member.remove": "Member removed",
  "member.role": "Role changed",
  "playground_key.create": "Texts tried in the dashboard",
  "task.create": "Task made",
  "task.delete": "Task deleted",
  "task.floor": "Unusual texts: setting changed",
  "task.rename": "Task renamed",
  "tenant.create": "Tenant made",
  "tenant.verify": "Tenant verified by the operator",
  "tenant_limits.save": "Limits set by the operator",
  "training.cancel": "Training: stop asked for",
  "training.cancelled": "Training cancelled",
  "training.create": "Training started",
  "training.failed": "Training failed",
  "training.pause": "Training paused",
  "training.resume": "Training goes on",
  "training.succeeded": "Training done",
  "tree.register": "Tree made",
  "trial.promoted": "Trial promoted",
  "trial.rolled_back": "Trial rolled back",
  "trial.ended": "Trial ended",
  "trial.start": "Trial started",
  "upload.create": "Upload begun",
  "upload.delete": "Upload given up",
  "user.sign_up": "Account made",
  "version.download": "Adapter downloaded",
  "version.export": "Version downloaded to predict offline",
  "version.register": "Version made",
  "webhook.change": "Webhook changed",
  "webhook.create": "Webhook made",
  "webhook.delete": "Webhook deleted",
  "webhook.ping": "Webhook tried out",
  "webhook.replay": "Event sent again",
  "webhook.rotate": "Webhook: new signing secret",
};

/** An action's code ("key.create") as "API key made"; one without a sentence of its own as "Key: create". */
export function changeWords(action: string): string {
  const known = changes[action];
  if (known) return known;
  const [thing = "", deed = ""] = action.replaceAll("_", " ").split(".");
  return `${thing.charAt(0).toUpperCase()}${thing.slice(1)}: ${deed}`;
}

/** "user:ada@acme.example" as "ada@acme.example"; jobs and verdicts are HMI's own doing. */
export function actorWords(actor: string): string {
  const [kind = "", name = ""] = actor.split(/:(.*)/s);
  switch (kind) {
    case "user":
      return name;
    case "key":
      return `API key ${shortId(name)}`;
    case "job":
    case "verdict":
      return "HMI, by itself";
    case "operator":
      return "The operator";
    default:
      return actor;
  }
}

/** What else is known of a change: ids and digests by their beginning, as elsewhere in the dashboard. */
export function detailWords(details: Record<string, unknown>): string {
  return Object.entries(details)
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${valueWords(value)}`)
    .join(", ");
}

function valueWords(value: unknown): string {
  if (value === null) return "none";
  if (Array.isArray(value)) return value.map(valueWords).join("; ");
  return typeof value === "string" ? shortId(value) : JSON.stringify(value);
}

const digest = /^(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function shortId(text: string): string {
  const [, beginning] = digest.exec(text) ?? [];
  if (beginning) return beginning;
  return uuid.test(text) ? text.slice(0, 8) : text;
}
