/** The pages of a list; nothing when one page holds all. */

import { Group, Pagination } from "@mantine/core";

import type { Page } from "@/lib/types";

const controls = {
  first: "First page",
  previous: "Page before",
  next: "Next page",
  last: "Last page",
};

interface Props {
  list: Page<unknown>;
  page: number;
  onChange: (page: number) => void;
}

export function ListPages({ list, page, onChange }: Props) {
  // The last page may be shorter than the others: only the first one tells the server's page size.
  const pageSize =
    page === 1 ? list.results.length : Math.ceil((list.count - list.results.length) / (page - 1));
  const numPages = pageSize > 0 ? Math.ceil(list.count / pageSize) : 1;
  if (numPages <= 1) return null;
  return (
    <Group justify="center">
      <Pagination
        total={numPages}
        value={page}
        onChange={onChange}
        getItemProps={(n) => ({ "aria-label": `Page ${n}` })}
        getControlProps={(control) => ({ "aria-label": controls[control] })}
      />
    </Group>
  );
}
