/** Texts of the rows that a report names, from the dataset that it was trained on. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

/** A row's text; of pairs the second one, too. */
export interface RowText {
  text: string;
  pair: string | null;
}

/** As many as the server gives at once. */
const MAX_ROWS = 200;

export function useRowTexts(tenant: string, dataset: string | null, rows: number[]) {
  const numbers = [...new Set(rows)].slice(0, MAX_ROWS).join(",");
  return useQuery({
    queryKey: [...queryKeys.dataset(tenant, dataset ?? ""), "texts", numbers],
    queryFn: async () => {
      const { results } = body(
        await api.GET("/api/v1/tenants/{tenant}/datasets/{dataset}/rows", {
          params: { path: { tenant, dataset: dataset ?? "" }, query: { numbers, limit: MAX_ROWS } },
        }),
      );
      return new Map<number, RowText>(results.map(({ row, text, pair }) => [row, { text, pair }]));
    },
    enabled: dataset !== null && numbers !== "",
    // Rows of a dataset never change.
    staleTime: Infinity,
  });
}
