/** Examples of the API's shapes, to be varied by tests. */

import type {
  AdapterImport,
  Allowance,
  ApiKey,
  Contribution,
  DatasetDetail,
  DatasetFinding,
  Deletion,
  Domain,
  DomainTree,
  DomainUpdate,
  Drift,
  Invitation,
  ListedVersion,
  Me,
  Member,
  Task,
  Training,
  Trial,
  Version,
} from "@/lib/types";

const createdAt = "2026-01-05T10:00:00Z";

export function me(role: Me["memberships"][number]["role"] = "owner"): Me {
  return {
    user: {
      id: "6a1f0000-0000-4000-8000-000000000001",
      email: "ada@acme.example",
      name: "Ada",
      is_staff: false,
    },
    memberships: [
      {
        tenant: {
          id: "6a1f0000-0000-4000-8000-000000000002",
          slug: "acme",
          name: "Acme",
          created_at: createdAt,
        },
        role,
      },
    ],
  };
}

export function task(changes: Partial<Task> = {}): Task {
  return {
    id: "6a1f0000-0000-4000-8000-000000000003",
    slug: "mail-topics",
    name: "Mail topics",
    kind: "single_label",
    domain: "mail-topics",
    labels: [],
    coverage_floor: null,
    created_at: createdAt,
    latest_training: null,
    latest_version: null,
    deployment: null,
    trial: null,
    drift_alarms: [],
    hold: null,
    ...changes,
  };
}

export function taskTraining(
  changes: Partial<NonNullable<Task["latest_training"]>> = {},
): NonNullable<Task["latest_training"]> {
  return {
    id: training().id,
    state: "succeeded",
    phase: "publishing",
    share: 1,
    step: 1,
    num_steps: 1,
    validation_accuracy: 0.9,
    eta_s: 0,
    created_at: createdAt,
    finished_at: createdAt,
    ...changes,
  };
}

export function domain(changes: Partial<Domain> = {}): Domain {
  return {
    id: "6a1f0000-0000-4000-8000-000000000008",
    name: "Mails",
    slug: "mails",
    is_shared: false,
    parent_domain: null,
    min_tenants: 3,
    created_at: createdAt,
    ...changes,
  };
}

export function domainTree(changes: Partial<DomainTree> = {}): DomainTree {
  return {
    id: "6a1f0000-0000-4000-8000-000000000009",
    digest: "sha256:" + "e".repeat(64),
    num_bytes: 8_200_000,
    num_segments: 1,
    diff: {
      rows_before: { trigram: 1000 },
      rows_added: { trigram: 300 },
      rows_dropped: { trigram: 100 },
      rows_after: { trigram: 1200 },
    },
    created_at: createdAt,
    retired_at: null,
    destroyed_at: null,
    ...changes,
  };
}

export function domainUpdate(changes: Partial<DomainUpdate> = {}): DomainUpdate {
  return {
    id: "6a1f0000-0000-4000-8000-00000000000a",
    state: "succeeded",
    message: "",
    error: null,
    tree_digest: domainTree().digest,
    diff: domainTree().diff ?? null,
    verdicts: [
      {
        task_id: task().id,
        moves: true,
        num_rows: 200,
        metric: "accuracy",
        accuracy_before: 0.9,
        accuracy_after: 0.91,
        p_value: 0.4,
        coverage_before: { trigram: 0.2, bigram: 0.3, unigram: 0.5 },
        coverage_after: { trigram: 0.3, bigram: 0.3, unigram: 0.4 },
      },
    ],
    created_at: createdAt,
    finished_at: createdAt,
    ...changes,
  };
}

export function contribution(changes: Partial<Contribution> = {}): Contribution {
  return {
    id: "6a1f0000-0000-4000-8000-00000000000b",
    domain: "news",
    dataset: dataset().id,
    granted_by: "ada@acme.example",
    granted_at: createdAt,
    revoked_by: "",
    revoked_at: null,
    private_share: null,
    ...changes,
  };
}

export function deletion(changes: Partial<Deletion> = {}): Deletion {
  return {
    id: "6a1f0000-0000-4000-8000-00000000000c",
    subject: "contribution",
    subject_id: contribution().id,
    segments: [{ dataset: dataset().id, uri: "segments/1", digest: "f".repeat(64) }],
    versions: [{ task: "mail-topics", number: 2, digest: "d".repeat(64) }],
    trees: [{ uri: "trees/1", digest: "sha256:" + "e".repeat(64), replaced_by: null }],
    deleted_at: createdAt,
    forgotten_at: null,
    ...changes,
  };
}

export function member(changes: Partial<Member> = {}): Member {
  return {
    id: "6a1f0000-0000-4000-8000-00000000000d",
    email: "ada@acme.example",
    name: "Ada",
    role: "owner",
    created_at: createdAt,
    ...changes,
  };
}

export function trial(changes: Partial<Trial> = {}): Trial {
  return {
    id: "6a1f0000-0000-4000-8000-00000000000e",
    version: 2,
    version_id: "6a1f0000-0000-4000-8000-00000000000f",
    against: 1,
    kind: "canary",
    share: 0.1,
    is_automatic: true,
    min_texts: 500,
    min_agreement: 0.9,
    state: "running",
    reason: "",
    created_by: "ada@acme.example",
    created_at: createdAt,
    ended_at: null,
    comparison: {
      num_requests: 100,
      num_live_failed: 0,
      num_trial_failed: 1,
      num_both_failed: 0,
      num_texts: 100,
      num_agreed: 96,
      mean_difference: 0.021,
      difference_counts: [96, 0, 0, 0, 4, 0, 0, 0, 0, 0],
      bounds_ms: [10, 100],
      live: { mean_ms: 4.2, counts: [100, 0, 0] },
      trial: { mean_ms: 5.1, counts: [80, 20, 0] },
    },
    verdict: {
      outcome: "wait",
      reason: "Too few texts for a verdict.",
      agreement: 0.96,
      agreement_low: 0.9,
      agreement_high: 0.99,
      failure_p: 1,
    },
    ...changes,
  };
}

export function drift(changes: Partial<Drift> = {}): Drift {
  return {
    version: 2,
    days: 7,
    num_texts: 0,
    min_texts: 200,
    is_enough: false,
    is_alarm: false,
    coverage: null,
    scores: null,
    labels: null,
    alarms: [],
    actions: [],
    ...changes,
  };
}

export function allowance(changes: Partial<Allowance> = {}): Allowance {
  return {
    plan: "Standard",
    weight: 1,
    requests_per_s: null,
    burst: 20,
    period: "month",
    period_began: "2026-01-01",
    quota_texts: null,
    quota_tokens: null,
    used_texts: 0,
    used_tokens: 0,
    max_stored_bytes: null,
    stored_bytes: 5_000_000,
    ...changes,
  };
}

export function invitation(changes: Partial<Invitation> = {}): Invitation {
  return {
    id: "6a1f0000-0000-4000-8000-000000000010",
    email: "bob@acme.example",
    role: "viewer",
    invited_by: "ada@acme.example",
    created_at: createdAt,
    expires_at: createdAt,
    ...changes,
  };
}

export function finding(changes: Partial<DatasetFinding> = {}): DatasetFinding {
  return {
    code: "ragged_rows",
    severity: "blocking",
    message: "1 rows do not have as many values as the header has columns: row 7.",
    fix: "Put values that contain the delimiter in double quotes, and give every row all columns.",
    rows: [7],
    num_rows: 1,
    examples: [{ row: 7, value: "one, two,billing" }],
    fixes: [{ id: "drop:ragged_rows", kind: "drop", finding: "ragged_rows", words: "Leave these rows out" }],
    ...changes,
  };
}

export function dataset(changes: Partial<DatasetDetail> = {}): DatasetDetail {
  return {
    id: "6a1f0000-0000-4000-8000-000000000004",
    name: "mails.csv",
    series: "6a1f0000-0000-4000-8000-000000000014",
    version: 1,
    kind: "single_label",
    state: "ready",
    fixes: [],
    format: "csv",
    num_bytes: 52_000,
    sha256: "0".repeat(64),
    num_rows: 400,
    labels: [
      { label: "billing", num_rows: 300 },
      { label: "delivery", num_rows: 100 },
    ],
    label_separator: ";",
    text_column: "text",
    label_column: "label",
    report: {
      findings: [],
      left_out: [],
      num_rows_read: 400,
      num_rows_kept: 400,
      num_rows_unusable: 0,
      encoding: "utf-8",
      delimiter: ",",
      has_header: true,
      columns: ["text", "label"],
      lengths: [
        { from_chars: 0, below_chars: 25, num_rows: 100 },
        { from_chars: 25, below_chars: 50, num_rows: 300 },
        { from_chars: 50, below_chars: null, num_rows: 0 },
      ],
      num_chars: 12_000,
      longest_chars: 48,
    },
    created_at: createdAt,
    ...changes,
  };
}

export function training(changes: Partial<Training> = {}): Training {
  return {
    id: "6a1f0000-0000-4000-8000-000000000005",
    task: "mail-topics",
    dataset: dataset().id,
    state: "running",
    recipe: {
      method: "lora",
      rank: 8,
      alpha: 16,
      epochs: 3,
      learning_rate: 0.001,
      batch_rows: 16,
      max_tokens: 128,
      patience: 2,
      seed: 1,
      compare_computed: true,
    },
    phase: "training",
    share: 0.7,
    step: 40,
    num_steps: 100,
    loss: 0.512,
    validation_accuracy: 0.9,
    validation_metric: "accuracy",
    eta_s: 75,
    message: "step 40 of 100",
    error: null,
    retry_at: null,
    can_retry: false,
    stopped_at: null,
    version: null,
    attempt: 1,
    cancel_requested: false,
    created_at: createdAt,
    started_at: createdAt,
    finished_at: null,
    ...changes,
  };
}

export const report = {
  format_version: 1,
  accuracy: 0.925,
  accuracy_ci95: [0.88, 0.96],
  macro_f1: 0.91,
  ece: 0.034,
  labels: ["billing", "delivery"],
  classes: [
    { label: "billing", precision: 0.95, recall: 0.97, f1: 0.96, support: 30 },
    { label: "delivery", precision: 0.88, recall: 0.8, f1: 0.84, support: 10 },
  ],
  confusion: [
    [29, 1],
    [2, 8],
  ],
  stopped_early: false,
  rows: { train: 320, validation: 40, test: 40, from_ancestors: 0, truncated: 3 },
  truncated_share: 0.0075,
  coverage: { trigram: 0.4, bigram: 0.35, unigram: 0.25, exact: 0 },
  adapter_bytes: 290_000,
  plot_bytes: 8_200_000,
  latency: { retrieve_ms: 0.08, compute_ms: 2.4, batch_rows: 32 },
  plot_cost: {
    computed_accuracy: 0.93,
    plot_accuracy: 0.925,
    delta_points: -0.5,
    delta_points_ci95: [-2.5, 1.5] as [number, number],
  },
};

/** What reports have had since scores are calibrated. */
export const additions = {
  macro_f1_ci95: [0.86, 0.95],
  majority_accuracy: 0.75,
  calibration: {
    temperature: 0.41,
    ece_before: 0.28,
    ece: 0.034,
    bins_before: [{ low: 0.6, high: 0.6667, rows: 40, mean_score: 0.645, accuracy: 0.925 }],
    bins: [{ low: 0.8667, high: 0.9333, rows: 40, mean_score: 0.92, accuracy: 0.93 }],
  },
  mistakes: [{ row: 23, label: "delivery", predicted: "billing", label_score: 0.1, predicted_score: 0.9 }],
  slices: [{ kind: "length", low: 10, high: 80, rows: 40, accuracy: 0.925, accuracy_ci95: [0.88, 0.96] }],
  label_errors: {
    judged: 360,
    num_suspects: 1,
    suspects: [
      { row: 17, label: "billing", suggested: "delivery", label_score: 0.05, suggested_score: 0.95 },
    ],
  },
  rank_curve: [
    {
      rank: 2,
      adapter_bytes: 74_000,
      accuracy: 0.915,
      accuracy_ci95: [0.87, 0.95],
      delta_points: -1,
      delta_points_ci95: [-2.5, 0],
    },
    {
      rank: 8,
      adapter_bytes: 296_000,
      accuracy: 0.925,
      accuracy_ci95: [0.88, 0.96],
      delta_points: 0,
      delta_points_ci95: [0, 0],
    },
  ],
  floor_curve: [
    {
      floor: 0,
      computed_share: 0,
      accuracy: 0.925,
      accuracy_ci95: [0.88, 0.96],
      gain_points: 0,
      gain_points_ci95: [0, 0],
      text_ms: 2.5,
    },
    {
      floor: 0.62,
      computed_share: 0.2,
      max_computed_share: 0.27,
      accuracy: 0.93,
      accuracy_ci95: [0.88, 0.97],
      gain_points: 0.5,
      gain_points_ci95: [-0.5, 1.5],
      text_ms: 3.1,
    },
  ],
  label_sets: [
    { error_level: 0.05, coverage: 0.962, mean_labels: 1.2, answered_share: 0.8, answered_accuracy: 0.97 },
    { error_level: 0.2, coverage: 0.83, mean_labels: 0.9, answered_share: 0, answered_accuracy: null },
  ],
  stopped_at_cap: true,
  stopped_at: { limit: "max_minutes", minutes: 5 },
  seconds: 425,
  validation_accuracy: 0.95,
  curve: [
    { step: 50, epoch: 0.5, loss: 0.4, validation_accuracy: 0.95 },
    { step: 100, epoch: 1, loss: 0.3, validation_accuracy: 0.94 },
  ],
  recipe: {
    method: "lora",
    rank: 16,
    alpha: 32,
    epochs: 2,
    learning_rate: 0.0015,
    batch_rows: 16,
    max_tokens: 128,
    patience: 2,
    seed: 7,
    max_minutes: 5,
  },
  search: {
    trials: [
      {
        round: 1,
        learning_rate: 0.0015,
        rank: 8,
        epochs: 2,
        rows: 160,
        validation_accuracy: 0.9,
        is_kept: true,
      },
      {
        round: 1,
        learning_rate: 0.0005,
        rank: 8,
        epochs: 2,
        rows: 160,
        validation_accuracy: 0.8,
        is_kept: false,
      },
      {
        round: 2,
        learning_rate: 0.0015,
        rank: 8,
        epochs: 2,
        rows: 320,
        validation_accuracy: 0.93,
        is_kept: true,
      },
    ],
    is_cut_short: true,
  },
  learning_curve: {
    points: [
      { rows: 80, accuracy: 0.8 },
      { rows: 160, accuracy: 0.86 },
      { rows: 320, accuracy: 0.9 },
    ],
    forecast: { rows: 640, accuracy: 0.92, accuracy_ci95: [0.89, 0.94] },
  },
};

const ofEveryKind = {
  stopped_early: false,
  rows: report.rows,
  truncated_share: report.truncated_share,
  coverage: report.coverage,
  adapter_bytes: report.adapter_bytes,
  plot_bytes: report.plot_bytes,
  latency: report.latency,
  plot_cost: null,
};

/** Of a task that predicts a number. */
export const scoreReport = {
  format_version: 1,
  kind: "score",
  headline: { name: "r2", value: 0.612, ci95: [0.541, 0.67] },
  mae: 0.38,
  mae_ci95: [0.34, 0.42],
  rmse: 0.51,
  rmse_ci95: [0.46, 0.57],
  r2: 0.612,
  r2_ci95: [0.541, 0.67],
  pearson: 0.79,
  pearson_ci95: [0.74, 0.83],
  spearman: 0.77,
  spearman_ci95: [0.71, 0.82],
  train: { mean: 2.9, std: 0.83, least: 1, most: 5, mean_mae: 0.66 },
  mistakes: [{ row: 23, value: 1, predicted: 3.4 }],
  slices: [{ kind: "length", low: 10, high: 80, rows: 20, mae: 0.425, mae_ci95: [0.31, 0.5] }],
  left_out: { calibration: "An answer is a number, not a probability." },
  ...ofEveryKind,
};

/** Of a task with any number of labels a text. */
export const multiLabelReport = {
  format_version: 1,
  kind: "multi_label",
  headline: { name: "micro_f1", value: 0.86, ci95: [0.8, 0.9] },
  micro_f1: 0.86,
  micro_f1_ci95: [0.8, 0.9],
  macro_f1: 0.8,
  macro_f1_ci95: [0.74, 0.85],
  exact_match: 0.7,
  exact_match_ci95: [0.62, 0.78],
  labels: ["billing", "delivery"],
  classes: [
    { label: "billing", threshold: 0.4, precision: 0.9, recall: 0.9, f1: 0.9, support: 20, ece: 0.042 },
    { label: "delivery", threshold: 0.6, precision: 0.7, recall: 0.7, f1: 0.7, support: 10 },
  ],
  mean_labels: 1.2,
  mean_predicted: 1.1,
  mistakes: [],
  slices: [{ kind: "length", low: 10, high: 80, rows: 20, accuracy: 0.65, accuracy_ci95: [0.5, 0.8] }],
  label_errors: {
    judged: 240,
    num_suspects: 1,
    suspects: [{ row: 17, labels: ["billing"], suggested: ["billing", "delivery"], doubt: 0.97 }],
  },
  learning_curve: additions.learning_curve,
  calibration: {
    ece_before: 0.12,
    ece: 0.03,
    bins_before: additions.calibration.bins_before,
    bins: additions.calibration.bins,
  },
  ...ofEveryKind,
};

/** Of a task that finds marked places. */
export const spansReport = {
  format_version: 1,
  kind: "token_classification",
  headline: { name: "span_f1", value: 0.912, ci95: [0.88, 0.94] },
  span_f1: 0.912,
  span_f1_ci95: [0.88, 0.94],
  precision: 0.93,
  precision_ci95: [0.9, 0.96],
  recall: 0.894,
  recall_ci95: [0.85, 0.93],
  macro_f1: 0.9,
  macro_f1_ci95: [0.86, 0.93],
  exact_match: 0.8,
  exact_match_ci95: [0.75, 0.85],
  token_accuracy: 0.98,
  token_accuracy_ci95: [0.97, 0.99],
  num_spans: 94,
  num_predicted: 90,
  num_cut: 0,
  num_not_read: 2,
  labels: ["DATE", "NAME"],
  classes: [
    { label: "DATE", precision: 0.97, recall: 0.95, f1: 0.96, support: 60 },
    { label: "NAME", precision: 0.86, recall: 0.8, f1: 0.83, support: 34 },
  ],
  calibration: additions.calibration,
  learning_curve: additions.learning_curve,
  mistakes: [{ row: 23, spans: [{ start: 0, end: 3, label: "NAME" }], predicted: [] }],
  label_errors: {
    judged: 240,
    num_suspects: 1,
    suspects: [
      {
        row: 31,
        spans: [{ start: 4, end: 9, label: "NAME" }],
        suggested: [{ start: 4, end: 9, label: "DATE" }],
        doubt: 0.93,
      },
    ],
  },
  slices: [{ kind: "coverage", low: 0.4, high: 0.7, rows: 20, accuracy: 0.75, accuracy_ci95: [0.6, 0.9] }],
  ...ofEveryKind,
};

export function version(changes: Partial<Version> = {}): Version {
  return { ...listedVersion(), report, ...changes };
}

/** As lists have it. */
export function listedVersion(changes: Partial<ListedVersion> = {}): ListedVersion {
  return {
    id: "6a1f0000-0000-4000-8000-000000000006",
    number: 1,
    state: "published",
    labels: ["billing", "delivery"],
    dataset: dataset().id,
    dataset_name: "mails.csv",
    backbone_digest: "b".repeat(64),
    tree_digest: "c".repeat(64),
    digest: "d".repeat(64),
    num_bytes: 290_000,
    training: training().id,
    adapter_import: null,
    headline: { name: "accuracy", value: report.accuracy, ci95: report.accuracy_ci95 },
    created_at: createdAt,
    ...changes,
  };
}

export function adapterImport(changes: Partial<AdapterImport> = {}): AdapterImport {
  return {
    id: "6a1f0000-0000-4000-8000-000000000015",
    task: "mail-topics",
    dataset: dataset().id,
    file_name: "mine.tar",
    num_bytes: 290_000,
    min_agreement: 0.9,
    state: "queued",
    phase: "",
    step: 0,
    num_steps: 0,
    message: "",
    error: null,
    passed: null,
    version: null,
    created_at: createdAt,
    started_at: null,
    finished_at: null,
    ...changes,
  };
}

/** Of a version that was imported, without labelled rows. */
export const importReport = {
  import: {
    method: "lora",
    rank: 8,
    dtype: "float16",
    notes: [],
    passed: true,
    parity: {
      peft: { max_score_difference: 1e-6, agrees: true },
      plot: { rows: 400, share: 0.97, min_share: 0.9 },
      expected: null,
      problems: [],
    },
  },
};

export function apiKey(changes: Partial<ApiKey> = {}): ApiKey {
  return {
    id: "6a1f0000-0000-4000-8000-000000000007",
    name: "shop",
    prefix: "hmi_AbCdEfGh",
    scopes: ["predict"],
    task: null,
    expires_at: null,
    created_at: createdAt,
    last_used_at: null,
    replaced_by: null,
    ...changes,
  };
}
