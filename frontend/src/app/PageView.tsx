/** A page that shows one thing: when the server does not know it, the page says so as for an unknown address. */

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { QueryView } from "@/components/ui/QueryView";
import { ApiError } from "@/lib/api-error";

import { NotFoundPage } from "./pages/NotFoundPage";

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

export function PageView<T>({ query, children }: Props<T>) {
  if (query.error instanceof ApiError && query.error.status === 404) return <NotFoundPage />;
  return (
    <QueryView query={query} height={480}>
      {children}
    </QueryView>
  );
}
