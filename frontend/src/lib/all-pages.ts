/** Every entry of a list, for a choice in which none may be missing. */

import type { Page } from "@/lib/types";

/** As many as the API gives on one page. */
const pageSize = 200;

interface PageQuery {
  page: number;
  page_size: number;
}

/** Asks for one page after the other. What moved to the next page meanwhile is there once. */
export async function allPages<T extends { id: string }>(
  ask: (query: PageQuery) => Promise<Page<T> & { next?: string | null }>,
): Promise<T[]> {
  const found = new Map<string, T>();
  for (let page = 1; ; page += 1) {
    const { results, next } = await ask({ page, page_size: pageSize });
    for (const each of results) found.set(each.id, each);
    if (!next) return [...found.values()];
  }
}
