/** Deletes a tenant, once its name has been typed. */

import { Alert, Button, Code, Group, List, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { Deletion } from "@/lib/types";

import { useForgetTenant } from "../api/forget-tenant";

interface Props {
  tenant: string;
  onForgotten: (receipt: Deletion) => void;
}

export function ForgetTenant({ tenant, onForgotten }: Props) {
  const forget = useForgetTenant(tenant);
  const [isOpen, { open, close }] = useDisclosure(false);
  const [typed, setTyped] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(forget.mutateAsync(typed), onForgotten);
  };
  return (
    <>
      <Button color="red" variant="outline" onClick={open} aria-haspopup="dialog">
        Delete this tenant
      </Button>
      <Modal opened={isOpen} onClose={close} title="Delete this tenant for good?" centered>
        <form onSubmit={submit}>
          <Stack>
            {forget.isError && <ErrorNotice error={forget.error} title="Nothing was deleted" />}
            <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />}>
              This cannot be undone.
              <List size="sm" mt="xs">
                <List.Item>All tasks, versions, datasets and keys go.</List.Item>
                <List.Item>Applications get an error from the next call on.</List.Item>
                <List.Item>What was learnt from your text is forgotten, with a receipt.</List.Item>
              </List>
            </Alert>
            <TextInput
              label={
                <>
                  Type <Code>{tenant}</Code> to be sure
                </>
              }
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Leave as it is
              </Button>
              <Button type="submit" color="red" disabled={typed !== tenant} loading={forget.isPending}>
                Delete everything
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
