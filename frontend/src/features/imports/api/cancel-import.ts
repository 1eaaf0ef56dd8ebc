/** Asks an import to stop. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { AdapterImport } from "@/lib/types";

export function useCancelImport(tenant: string, { id, task }: AdapterImport) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      api.POST("/api/v1/tenants/{tenant}/imports/{adapter_import}/cancel", {
        params: { path: { tenant, adapter_import: id } },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.imports(tenant, task) }),
  });
}
