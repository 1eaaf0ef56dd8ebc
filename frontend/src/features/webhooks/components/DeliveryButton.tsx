/** Shows what an event said, to whoever wonders what the receiver got. */

import { Button, Modal, Stack, Table } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";

import { CopyField } from "@/components/ui/CopyField";
import { ListTable } from "@/components/ui/ListTable";
import { QueryView } from "@/components/ui/QueryView";
import { formatDate } from "@/lib/format";
import type { Delivery } from "@/lib/types";

import { useDelivery } from "../api/get-delivery";
import { timesOf } from "../deliveries";

interface Props {
  tenant: string;
  webhook: string;
  delivery: Delivery;
}

export function DeliveryButton({ tenant, webhook, delivery }: Props) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button
        size="compact-xs"
        variant="default"
        onClick={open}
        aria-haspopup="dialog"
        aria-label={`Show: ${delivery.type} of ${formatDate(delivery.created_at)}`}
      >
        Show
      </Button>
      <Modal opened={isOpen} onClose={close} title={delivery.type} centered>
        <Told tenant={tenant} webhook={webhook} delivery={delivery} />
      </Modal>
    </>
  );
}

function Told({ tenant, webhook, delivery }: Props) {
  const told = useDelivery(tenant, webhook, delivery.id);
  return (
    <Stack>
      <ListTable minWidth={200} verticalSpacing={4} fz="sm">
        {timesOf(delivery).map(([name, time]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" fw={400}>
              {name}
            </Table.Th>
            <Table.Td>{time}</Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
      <CopyField label="webhook-id" value={delivery.event_id} />
      <QueryView query={told} height={120}>
        {({ payload }) => <CopyField label="data" value={JSON.stringify(payload, null, 2)} />}
      </QueryView>
    </Stack>
  );
}
