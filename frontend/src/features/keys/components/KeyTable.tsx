/** A tenant's API keys: what each may do, when it was last used, and the way to revoke it. */

import { Badge, Code, Group, Table, Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { formatAgo, formatDate } from "@/lib/format";
import type { ApiKey } from "@/lib/types";

import { useRevokeKey } from "../api/revoke-key";
import { RotateKeyButton } from "./RotateKeyButton";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  tenant: string;
  keys: ApiKey[];
  canRevoke: boolean;
}

export function KeyTable({ tenant, keys, canRevoke }: Props) {
  return (
    <ListTable
      minWidth={780}
      columns={["Name", "Begins with", "May", "Last used", "Ends", { name: "Action", isHidden: true }]}
    >
      {keys.map((key) => (
        <KeyRow key={key.id} tenant={tenant} apiKey={key} canRevoke={canRevoke} />
      ))}
    </ListTable>
  );
}

interface RowProps {
  tenant: string;
  apiKey: ApiKey;
  canRevoke: boolean;
}

function KeyRow({ tenant, apiKey, canRevoke }: RowProps) {
  const revoke = useRevokeKey(tenant);
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: "anywhere" }}>{apiKey.name}</Table.Td>
      <Table.Td>
        <Code>{apiKey.prefix}…</Code>
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {apiKey.scopes.map((scope) => (
            <Badge key={scope} variant="light" tt="none">
              {scope}
            </Badge>
          ))}
          {apiKey.task && <Text size="xs">only {apiKey.task}</Text>}
        </Group>
      </Table.Td>
      <Table.Td>{apiKey.last_used_at ? formatAgo(apiKey.last_used_at) : "Never"}</Table.Td>
      <Table.Td>{apiKey.expires_at ? formatDate(apiKey.expires_at) : "Never"}</Table.Td>
      <Table.Td ta="right">
        {canRevoke && (
          <Group gap={6} justify="flex-end" wrap="nowrap">
            {apiKey.replaced_by === null && <RotateKeyButton tenant={tenant} apiKey={apiKey} />}
            <ConfirmButton
              size="xs"
              label="Revoke"
              ariaLabel={`Revoke ${apiKey.name}`}
              title={`Revoke ${apiKey.name}?`}
              confirmLabel="Revoke key"
              error={revoke.error}
              isPending={revoke.isPending}
              onConfirm={() => revoke.mutateAsync(apiKey.id)}
            >
              <Text size="sm">
                Applications that use it get an error within seconds. A revoked key cannot be brought back.
              </Text>
            </ConfirmButton>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
