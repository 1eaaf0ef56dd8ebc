/** The people of a tenant and what each may do. */

import { Badge, Button, Group, NativeSelect, Table, Text } from "@mantine/core";
import { useRef, useState } from "react";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { afterChange } from "@/lib/after-change";
import { formatAgo } from "@/lib/format";
import type { Member, Role } from "@/lib/types";

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

/** A role is given by the button: keys move a closed select through all of them. */
function RoleChoice({ tenant, member }: { tenant: string; member: Member }) {
  const change = useChangeRole(tenant, member);
  const [chosen, setChosen] = useState<Role | null>(null);
  const select = useRef<HTMLSelectElement>(null);
  const give = (role: Role) => {
    // The button cannot hold the focus: it goes once the role is given.
    select.current?.focus();
    afterChange(change.mutateAsync(role), () => setChosen((latest) => (latest === role ? null : latest)));
  };
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <NativeSelect
        ref={select}
        size="xs"
        aria-label={`Role of ${member.email}`}
        value={chosen ?? member.role}
        onChange={(event) => {
          setChosen(roles.find(({ value }) => value === event.currentTarget.value)?.value ?? null);
          if (change.isError) change.reset();
        }}
        data={roles.map(({ value, label }) => ({ value, label }))}
        error={change.error?.message}
        errorProps={{ role: "alert" }}
        maw={200}
      />
      {chosen !== null && chosen !== member.role && (
        <Button
          size="xs"
          variant="default"
          aria-label={`Change the role of ${member.email}`}
          loading={change.isPending}
          onClick={() => give(chosen)}
        >
          Change
        </Button>
      )}
    </Group>
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
