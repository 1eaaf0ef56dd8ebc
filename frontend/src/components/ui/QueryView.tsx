/** A query's three faces: waiting (in the size of what comes), failed (with a way to try again), answered. */

import { Skeleton } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";

interface Props<T> {
  query: UseQueryResult<T>;
  /** Height in pixels that is kept free while waiting, so that the page does not jump. */
  height?: number;
  children: (data: T) => ReactNode;
}

export function QueryView<T>({ query, height = 240, children }: Props<T>) {
  // What was answered before stays in view while a later question fails.
  if (query.data !== undefined) return children(query.data);
  if (query.isError) {
    return (
      <ErrorNotice
        error={query.error}
        title="This could not be loaded"
        onRetry={() => void query.refetch()}
      />
    );
  }
  return <Skeleton height={height} radius="md" aria-label="Loading" role="status" />;
}
