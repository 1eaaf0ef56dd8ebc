/** What a training watches on its validation rows, by the API's `validation_metric`, in words. */

import { formatPercent } from "@/lib/format";

const names: Record<string, string> = {
  accuracy: "Validation accuracy",
  r2: "Validation R²",
  micro_f1: "Validation micro F1",
  span_f1: "Validation F1 of spans",
};

export function metricName(metric: string): string {
  return names[metric] ?? "Validation";
}

/** R² is a share of the variance, but no share of rows, and may be below 0. */
export function formatMetric(metric: string, value: number, digits = 1): string {
  return metric === "r2" ? value.toFixed(digits + 1).replace("-", "−") : formatPercent(value, digits);
}
