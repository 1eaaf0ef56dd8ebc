/** Names for the shapes of the REST API, all taken from the generated types. */

import type { components } from "@/api-types.gen";

type Schemas = components["schemas"];

export type Me = Schemas["MeOut"];
export type Membership = Schemas["PlaceOut"];
export type Role = Membership["role"];
export type Tenant = Schemas["TenantOut"];
export type Task = Schemas["TaskOut"];
export type TaskKind = Schemas["TaskKind"];
export type AdapterMethodName = Schemas["MethodEnum"];
export type Domain = Schemas["DomainOut"];
export type Dataset = Schemas["DatasetOut"];
export type DatasetDetail = Schemas["DatasetDetailOut"];
export type DatasetFinding = Schemas["FindingOut"];
export type DatasetReport = Schemas["ReportOut"];
export type DatasetUpload = Schemas["UploadOut"];
export type DatasetRow = Schemas["DatasetRowOut"];
export type Correction = Schemas["CorrectionInRequest"];
export type Training = Schemas["TrainingOut"];
export type TimeLimit = Schemas["TimeLimitOut"];
export type Estimate = Schemas["EstimateOut"];
export type TrainingEvent = Schemas["TrainingEventOut"];
export type Version = Schemas["VersionOut"];
export type ListedVersion = Schemas["ListedVersionOut"];
export type AdapterImport = Schemas["ImportOut"];
export type Deployment = Schemas["DeploymentOut"];
export type ApiKey = Schemas["KeyOut"];
export type ApiKeyCreated = Schemas["NewKeyOut"];
export type Usage = Schemas["UsageOut"];
export type UsageRow = Schemas["UsageRowOut"];
export type Allowance = Schemas["AllowanceOut"];
export type Traffic = Schemas["TrafficOut"];
export type TrafficPeriod = Schemas["TrafficPeriodOut"];
export type Drift = Schemas["DriftOut"];
export type DriftAction = Schemas["DriftActionOut"];
export type CountsDrift = Schemas["CountsDriftOut"];
export type Suggestion = Schemas["SuggestionOut"];
export type TaskHold = Schemas["TaskHoldOut"];
export type DomainTree = Schemas["DomainTreeOut"];
export type DomainUpdate = Schemas["DomainUpdateOut"];
export type TaskVerdict = Schemas["TaskVerdictOut"];
export type TreeDiff = Schemas["TreeDiffOut"];
export type Contribution = Schemas["ContributionOut"];
export type Deletion = Schemas["DeletionOut"];
export type Member = Schemas["MemberOut"];
export type Trial = Schemas["TrialOut"];
export type TrialComparison = Schemas["ComparisonOut"];
export type Invitation = Schemas["InvitationOut"];
export type InvitationOffer = Schemas["OfferOut"];
export type AuditEntry = Schemas["AuditEntryOut"];
export type Webhook = Schemas["WebhookOut"];
export type WebhookCreated = Schemas["NewWebhookOut"];
export type WebhookEvent = Schemas["WebhookEvent"];
export type Delivery = Schemas["DeliveryOut"];
export type PlaygroundToken = Schemas["PlaygroundOut"];

/** One page of a list. */
export interface Page<T> {
  count: number;
  results: T[];
}
