/** Sets another password; all other sessions end. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { queryKeys } from "@/lib/query-keys";

import { ownAccount } from "./accounts";

export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (change: { current_password: string; new_password: string }) =>
      ownAccount("POST", "/account/password/change", change),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.sessions }),
  });
}
