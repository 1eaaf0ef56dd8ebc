/** Who is signed in, and in which tenants; null for nobody. */

import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/lib/api";
import { ApiError } from "@/lib/api-error";
import { queryKeys } from "@/lib/query-keys";
import type { Me } from "@/lib/types";

async function getMe(): Promise<Me | null> {
  try {
    return body(await api.GET("/api/v1/me"));
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.code === "unauthenticated")) return null;
    throw error;
  }
}

export function useMe() {
  return useQuery({
    queryKey: queryKeys.me,
    queryFn: getMe,
    staleTime: 60_000,
    // In another tab somebody else may have signed in meanwhile.
    refetchOnWindowFocus: "always",
  });
}
