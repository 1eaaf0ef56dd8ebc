/** Corrects rows of a dataset: its next version, once that has been examined. */

import { api, body } from "@/lib/api";
import { ApiError } from "@/lib/api-error";
import type { Correction, DatasetDetail } from "@/lib/types";

const whileExaminedMs = 1_000;
const maxQuestions = 600;

/** Makes the next version; it still has to be examined. */
export async function correctDataset(
  tenant: string,
  dataset: string,
  corrections: Correction[],
): Promise<DatasetDetail> {
  return body(
    await api.POST("/api/v1/tenants/{tenant}/datasets/{dataset}/corrections", {
      params: { path: { tenant, dataset } },
      body: { corrections },
    }),
  );
}

/** Waits until a dataset has been examined; throws ApiError where it cannot be trained on. */
export async function readyDataset(tenant: string, dataset: string): Promise<DatasetDetail> {
  for (let asked = 0; asked < maxQuestions; asked += 1) {
    const found = body(
      await api.GET("/api/v1/tenants/{tenant}/datasets/{dataset}", { params: { path: { tenant, dataset } } }),
    );
    if (found.state === "ready") return found;
    if (found.state === "blocked") {
      throw new ApiError({
        status: 409,
        code: "dataset_blocked",
        message: `With these corrections ${found.name} cannot be trained on: see its page under Datasets.`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, whileExaminedMs));
  }
  throw new ApiError({
    status: 0,
    code: "still_examined",
    message: "The corrected data is still being examined. Start the training from the task's page later.",
  });
}
