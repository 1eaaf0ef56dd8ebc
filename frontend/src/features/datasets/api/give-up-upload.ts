/** Throws away what has arrived of a file. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useGiveUpUpload(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (upload: string) =>
      api.DELETE("/api/v1/tenants/{tenant}/uploads/{upload}", { params: { path: { tenant, upload } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.uploads(tenant) }),
  });
}
