/** A tenant's API keys. */

import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useState } from "react";

import { EmptyState } from "@/components/ui/EmptyState";
import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { useKeys } from "@/features/keys/api/get-keys";
import { KeyTable } from "@/features/keys/components/KeyTable";
import { NewKeyDialog } from "@/features/keys/components/NewKeyDialog";
import { useAllTasks } from "@/features/tasks/api/get-all-tasks";
import { usePageTitle } from "@/lib/page-title";

import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function KeysPage() {
  usePageTitle("API keys");
  const tenant = useParam("tenant");
  const { isOwner } = useRole(tenant);
  const [page, setPage] = useState(1);
  const keys = useKeys(tenant, page);
  const tasks = useAllTasks(tenant);
  const [isOpen, { open, close }] = useDisclosure(false);
  const newKey = isOwner && (
    <Button onClick={open} aria-haspopup="dialog" leftSection={<IconPlus size={16} aria-hidden />}>
      New key
    </Button>
  );
  return (
    <>
      <PageHeader
        title="API keys"
        description="What your applications show when they call."
        actions={keys.data && keys.data.count > 0 ? newKey : null}
      />
      <QueryView query={keys}>
        {(list) =>
          list.count === 0 ? (
            <EmptyState icon={<IconKey />} title="No keys yet" action={newKey}>
              An application needs a key to call your tasks. Create one for each application, so that you can
              revoke them one by one.
            </EmptyState>
          ) : (
            <>
              <KeyTable tenant={tenant} keys={list.results} canRevoke={isOwner} />
              <ListPages list={list} page={page} onChange={setPage} />
            </>
          )
        }
      </QueryView>
      <NewKeyDialog tenant={tenant} tasks={tasks.data ?? []} opened={isOpen} onClose={close} />
    </>
  );
}
