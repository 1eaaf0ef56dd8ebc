/** What an invitation's link offers, and accepting it. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";
import type { Membership } from "@/lib/types";

import { accountsRequest } from "./accounts";

export function useInvitationOffer(token: string) {
  return useQuery({
    queryKey: ["invitation", token],
    queryFn: async () => {
      await accountsRequest("GET", "/config");
      return body(await api.POST("/api/v1/invitations/look", { body: { token } }));
    },
    retry: false,
  });
}

export function useAcceptInvitation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (token: string): Promise<Membership> =>
      body(await api.POST("/api/v1/invitations/accept", { body: { token } })),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.me }),
  });
}
