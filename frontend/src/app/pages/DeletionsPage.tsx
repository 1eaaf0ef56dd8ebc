/** What was deleted, with receipts. */

import { IconReceipt } from "@tabler/icons-react";
import { useState } from "react";

import { EmptyState } from "@/components/ui/EmptyState";
import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { useDeletions } from "@/features/deletions/api/get-deletions";
import { DeletionList } from "@/features/deletions/components/DeletionList";
import { usePageTitle } from "@/lib/page-title";

import { useParam } from "../use-params";

export function DeletionsPage() {
  usePageTitle("Deletions");
  const tenant = useParam("tenant");
  const [page, setPage] = useState(1);
  const deletions = useDeletions(tenant, page);
  return (
    <>
      <PageHeader
        title="Deletions"
        description="What was deleted or taken back, and the proof that HMI forgot it."
      />
      <QueryView query={deletions}>
        {(list) =>
          list.count === 0 ? (
            <EmptyState icon={<IconReceipt />} title="Nothing was deleted so far">
              When you delete a dataset or take a consent back, its receipt appears here: what went, which
              trees were destroyed, and what replaced them.
            </EmptyState>
          ) : (
            <>
              <DeletionList deletions={list.results} />
              <ListPages list={list} page={page} onChange={setPage} />
            </>
          )
        }
      </QueryView>
    </>
  );
}
