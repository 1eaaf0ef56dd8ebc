/** Names a new tenant. */

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import type { Tenant } from "@/lib/types";

import { useCreateTenant } from "../api/create-tenant";

export function NewTenantForm({ onCreated }: { onCreated: (tenant: Tenant) => void }) {
  const create = useCreateTenant();
  const [name, setName] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(create.mutateAsync(name.trim()), onCreated);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {create.isError && <ErrorNotice error={create.error} title="The tenant was not created" />}
        <TextInput
          label="Name"
          description="Your team or product. Tasks, data and API keys belong to it."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={80}
          required
          withAsterisk={false}
          autoFocus
        />
        <Group>
          <Button type="submit" loading={create.isPending}>
            Create tenant
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
