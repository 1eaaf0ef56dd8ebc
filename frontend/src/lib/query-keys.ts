/** Names under which answers are kept, so that one feature's change can make another's answers stale. */

export const queryKeys = {
  me: ["me"] as const,
  code: (name: string) => ["code", name] as const,
  authenticators: ["me", "authenticators"] as const,
  sessions: ["me", "sessions"] as const,
  tenant: (tenant: string) => ["tenant", tenant] as const,
  tasks: (tenant: string) => ["tenant", tenant, "tasks"] as const,
  task: (tenant: string, task: string) => ["tenant", tenant, "task", task] as const,
  domains: (tenant: string) => ["tenant", tenant, "domains"] as const,
  domain: (tenant: string, domain: string) => ["tenant", tenant, "domain", domain] as const,
  contributions: (tenant: string) => ["tenant", tenant, "contributions"] as const,
  gateConsent: (tenant: string, task: string) => ["tenant", tenant, "task", task, "gate-consent"] as const,
  deletions: (tenant: string) => ["tenant", tenant, "deletions"] as const,
  members: (tenant: string) => ["tenant", tenant, "members"] as const,
  invitations: (tenant: string) => ["tenant", tenant, "invitations"] as const,
  audit: (tenant: string) => ["tenant", tenant, "audit"] as const,
  webhooks: (tenant: string) => ["tenant", tenant, "webhooks"] as const,
  deliveries: (tenant: string, webhook: string) =>
    ["tenant", tenant, "webhook", webhook, "deliveries"] as const,
  datasets: (tenant: string) => ["tenant", tenant, "datasets"] as const,
  dataset: (tenant: string, id: string) => ["tenant", tenant, "dataset", id] as const,
  uploads: (tenant: string) => ["tenant", tenant, "uploads"] as const,
  suggestion: (tenant: string, dataset: string) =>
    ["tenant", tenant, "dataset", dataset, "suggestion"] as const,
  datasetVersions: (tenant: string, series: string) =>
    ["tenant", tenant, "datasets", "series", series] as const,
  trainings: (tenant: string, task: string) => ["tenant", tenant, "task", task, "trainings"] as const,
  training: (tenant: string, id: string) => ["tenant", tenant, "training", id] as const,
  versions: (tenant: string, task: string) => ["tenant", tenant, "task", task, "versions"] as const,
  imports: (tenant: string, task: string) => ["tenant", tenant, "task", task, "imports"] as const,
  deployments: (tenant: string, task: string) => ["tenant", tenant, "task", task, "deployments"] as const,
  traffic: (tenant: string, task: string) => ["tenant", tenant, "task", task, "traffic"] as const,
  drift: (tenant: string, task: string) => ["tenant", tenant, "task", task, "drift"] as const,
  usage: (tenant: string) => ["tenant", tenant, "usage"] as const,
  trial: (tenant: string, task: string) => ["tenant", tenant, "task", task, "trial"] as const,
  keys: (tenant: string) => ["tenant", tenant, "keys"] as const,
};
