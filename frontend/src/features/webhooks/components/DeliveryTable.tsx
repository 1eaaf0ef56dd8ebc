/** What was sent to a webhook, what came of it, and sending it once more. */

import { Badge, Button, Group, NativeSelect, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { ListPages } from "@/components/ui/ListPages";
import { ListTable } from "@/components/ui/ListTable";
import { QueryView } from "@/components/ui/QueryView";
import { formatDate } from "@/lib/format";
import type { Delivery } from "@/lib/types";

import { type DeliveryState, useDeliveries } from "../api/get-deliveries";
import { useReplayDelivery } from "../api/replay-delivery";
import { answerWords, stateOf } from "../deliveries";
import { DeliveryButton } from "./DeliveryButton";

interface Props {
  tenant: string;
  webhook: string;
  canReplay: boolean;
}

export function DeliveryTable({ tenant, webhook, canReplay }: Props) {
  const [page, setPage] = useState(1);
  const [state, setState] = useState<DeliveryState | null>(null);
  const deliveries = useDeliveries(tenant, webhook, page, state);
  const replay = useReplayDelivery(tenant, webhook);
  const again = (delivery: Delivery) => {
    const isPending = delivery.state === "pending";
    const words = isPending ? "Try now" : "Send again";
    return (
      <Button
        size="compact-xs"
        variant="default"
        loading={replay.isPending && replay.variables === delivery.id}
        onClick={() => replay.mutate(delivery.id)}
        aria-label={`${words}: ${delivery.type} of ${formatDate(delivery.created_at)}`}
      >
        {words}
      </Button>
    );
  };
  return (
    <QueryView query={deliveries} height={80}>
      {(list) =>
        list.count === 0 && state === null ? (
          <Text size="sm">Nothing was sent in the last 30 days.</Text>
        ) : (
          <Stack gap="xs">
            <NativeSelect
              size="xs"
              aria-label="Which events"
              value={state ?? ""}
              onChange={(event) => {
                setState((event.currentTarget.value || null) as DeliveryState | null);
                setPage(1);
              }}
              data={[
                { value: "", label: "All events" },
                { value: "pending", label: "Not taken yet" },
                { value: "delivered", label: "Taken" },
                { value: "failed", label: "Given up" },
              ]}
              style={{ alignSelf: "flex-start" }}
            />
            {replay.isError && <ErrorNotice error={replay.error} title="It was not sent again" />}
            {list.count === 0 && <Text size="sm">None of the last 30 days.</Text>}
            {list.count > 0 && (
              <ListTable
                minWidth={720}
                verticalSpacing={6}
                fz="sm"
                columns={[
                  "Event",
                  "When",
                  "State",
                  { name: "Attempts", isNumber: true },
                  "Last answer",
                  { name: "Action", isHidden: true },
                ]}
              >
                {list.results.map((delivery) => {
                  const { label, color } = stateOf(delivery);
                  return (
                    <Table.Tr key={delivery.id}>
                      <Table.Td>{delivery.type}</Table.Td>
                      <Table.Td>{formatDate(delivery.created_at)}</Table.Td>
                      <Table.Td>
                        <Badge color={color} variant="light" tt="none" miw="max-content">
                          {label}
                        </Badge>
                      </Table.Td>
                      <Table.Td ta="right">{delivery.num_attempts}</Table.Td>
                      <Table.Td style={{ overflowWrap: "anywhere" }}>{answerWords(delivery)}</Table.Td>
                      <Table.Td>
                        <Group gap={6} justify="flex-end" wrap="nowrap">
                          <DeliveryButton tenant={tenant} webhook={webhook} delivery={delivery} />
                          {canReplay && again(delivery)}
                        </Group>
                      </Table.Td>
                    </Table.Tr>
                  );
                })}
              </ListTable>
            )}
            <ListPages list={list} page={page} onChange={setPage} />
          </Stack>
        )
      }
    </QueryView>
  );
}
