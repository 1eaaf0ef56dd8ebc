/** All of a tenant's tasks, to choose from. */

import { useQuery } from "@tanstack/react-query";

import { allPages } from "@/lib/all-pages";
import { api, body } from "@/lib/api";
import { queryKeys } from "@/lib/query-keys";

export function useAllTasks(tenant: string, isWanted = true) {
  return useQuery({
    enabled: isWanted,
    queryKey: [...queryKeys.tasks(tenant), "all"],
    queryFn: () =>
      allPages(async (query) =>
        body(await api.GET("/api/v1/tenants/{tenant}/tasks", { params: { path: { tenant }, query } })),
      ),
  });
}
