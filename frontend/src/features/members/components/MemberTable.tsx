/** The people of a tenant and what each may do. */

import { Badge, Table, Text, VisuallyHidden } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { formatAgo } from "@/lib/format";
import type { Member } from "@/lib/types";

import { useRemoveMember } from "../api/remove-member";

interface Props {
  tenant: string;
  members: Member[];
  canRemove: boolean;
}

export function MemberTable({ tenant, members, canRemove }: Props) {
  return (
    <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Person</Table.Th>
            <Table.Th>Role</Table.Th>
            <Table.Th>Since</Table.Th>
            <Table.Th>
              <VisuallyHidden>Action</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {members.map((member) => (
            <Table.Tr key={member.id}>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                {member.name && <Text size="sm">{member.name}</Text>}
                <Text size="sm" c="dimmed">
                  {member.email}
                </Text>
              </Table.Td>
              <Table.Td>
                <Badge variant="light" tt="none">
                  {member.role}
                </Badge>
              </Table.Td>
              <Table.Td>{formatAgo(member.created_at)}</Table.Td>
              <Table.Td ta="right">{canRemove && <RemoveButton tenant={tenant} member={member} />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
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
        They lose sight of this tenant at once. Keys that they created go on working. You can add them again.
      </Text>
    </ConfirmButton>
  );
}
