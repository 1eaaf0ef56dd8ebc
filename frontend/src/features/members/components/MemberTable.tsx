/** The people of a tenant and what each may do. */

import { Badge, NativeSelect, Table, Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { formatAgo } from "@/lib/format";
import type { Member } from "@/lib/types";

import { useChangeRole } from "../api/change-role";
import { useRemoveMember } from "../api/remove-member";
import { roleName, roles } from "../roles";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  tenant: string;
  members: Member[];
  canRemove: boolean;
}

export function MemberTable({ tenant, members, canRemove }: Props) {
  return (
    <ListTable minWidth={520} columns={["Person", "Role", "Since", { name: "Action", isHidden: true }]}>
      {members.map((member) => (
        <Table.Tr key={member.id}>
          <Table.Td style={{ overflowWrap: "anywhere" }}>
            {member.name && <Text size="sm">{member.name}</Text>}
            <Text size="sm" c="dimmed">
              {member.email}
            </Text>
          </Table.Td>
          <Table.Td>
            {canRemove ? (
              <RoleChoice tenant={tenant} member={member} />
            ) : (
              <Badge variant="light" tt="none">
                {roleName(member.role)}
              </Badge>
            )}
          </Table.Td>
          <Table.Td>{formatAgo(member.created_at)}</Table.Td>
          <Table.Td ta="right">{canRemove && <RemoveButton tenant={tenant} member={member} />}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function RoleChoice({ tenant, member }: { tenant: string; member: Member }) {
  const change = useChangeRole(tenant, member);
  return (
    <NativeSelect
      size="xs"
      aria-label={`Role of ${member.email}`}
      value={change.isPending ? change.variables : member.role}
      onChange={(event) => {
        const chosen = roles.find(({ value }) => value === event.currentTarget.value);
        if (chosen) change.mutate(chosen.value);
      }}
      data={roles.map(({ value, label }) => ({ value, label }))}
      disabled={change.isPending}
      error={change.error?.message}
      maw={200}
    />
  );
}

function RemoveButton({ tenant, member }: { tenant: string; member: Member }) {
  const remove = useRemoveMember(tenant, member.id);
  return (
    <ConfirmButton
      size="xs"
      label="Remove"
      ariaLabel={`Remove ${member.email}`}
      title={`Remove ${member.email}?`}
      confirmLabel="Remove"
      error={remove.error}
      isPending={remove.isPending}
      onConfirm={() => remove.mutateAsync()}
    >
      <Text size="sm">
        They lose sight of this tenant at once. Keys that they created go on working. You can invite them
        again.
      </Text>
    </ConfirmButton>
  );
}
