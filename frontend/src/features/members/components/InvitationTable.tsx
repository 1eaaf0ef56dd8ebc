/** Invitations that wait to be accepted. */

import { Badge, Button, Group, Table, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { formatDate } from "@/lib/format";
import type { Invitation } from "@/lib/types";

import { useResendInvitation } from "../api/resend-invitation";
import { useRevokeInvitation } from "../api/revoke-invitation";
import { roleName } from "../roles";
import { ListTable } from "@/components/ui/ListTable";

export function InvitationTable({ tenant, invitations }: { tenant: string; invitations: Invitation[] }) {
  return (
    <ListTable
      minWidth={560}
      columns={["Invited", "As", "The link ends", { name: "Action", isHidden: true }]}
    >
      {invitations.map((invitation) => (
        <Table.Tr key={invitation.id}>
          <Table.Td style={{ overflowWrap: "anywhere" }}>{invitation.email}</Table.Td>
          <Table.Td>
            <Badge variant="light" tt="none">
              {roleName(invitation.role)}
            </Badge>
          </Table.Td>
          <Table.Td>{formatDate(invitation.expires_at)}</Table.Td>
          <Table.Td>
            <Actions tenant={tenant} invitation={invitation} />
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function Actions({ tenant, invitation: { id, email } }: { tenant: string; invitation: Invitation }) {
  const resend = useResendInvitation(tenant, id);
  const revoke = useRevokeInvitation(tenant, id);
  return (
    <Group gap={6} justify="flex-end" wrap="nowrap">
      <Button
        size="xs"
        variant="default"
        aria-label={`Send the invitation of ${email} again`}
        loading={resend.isPending}
        onClick={() =>
          resend.mutate(undefined, {
            onSuccess: () =>
              notifications.show({
                color: "teal",
                title: "Sent again",
                message: `A new mail is on its way to ${email}.`,
              }),
            onError: (error) =>
              notifications.show({ color: "red", title: "It was not sent", message: error.message }),
          })
        }
      >
        Send again
      </Button>
      <ConfirmButton
        size="xs"
        label="Revoke"
        ariaLabel={`Revoke the invitation of ${email}`}
        title={`Revoke the invitation of ${email}?`}
        confirmLabel="Revoke"
        error={revoke.error}
        isPending={revoke.isPending}
        onConfirm={() => revoke.mutateAsync()}
      >
        <Text size="sm">The link in the mail ends. You can invite them again.</Text>
      </ConfirmButton>
    </Group>
  );
}
