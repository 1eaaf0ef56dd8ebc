/** What was sent to a webhook, what came of it, and sending it once more. */

import { Badge, Button, Table, Text } from "@mantine/core";
import { useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { ListPages } from "@/components/ui/ListPages";
import { QueryView } from "@/components/ui/QueryView";
import { formatDate } from "@/lib/format";
import type { Delivery } from "@/lib/types";

import { useDeliveries } from "../api/get-deliveries";
import { useReplayDelivery } from "../api/replay-delivery";
import { ListTable } from "@/components/ui/ListTable";

const colors: Record<Delivery["state"], string> = { pending: "blue", delivered: "teal", failed: "red" };

interface Props {
  tenant: string;
  webhook: string;
  canReplay: boolean;
}

export function DeliveryTable({ tenant, webhook, canReplay }: Props) {
  const [page, setPage] = useState(1);
  const deliveries = useDeliveries(tenant, webhook, page);
  const replay = useReplayDelivery(tenant, webhook);
  return (
    <QueryView query={deliveries} height={80}>
      {(list) =>
        list.count === 0 ? (
          <Text size="sm">Nothing was sent in the last 30 days.</Text>
        ) : (
          <>
            {replay.isError && <ErrorNotice error={replay.error} title="It was not sent again" />}
            <ListTable
              minWidth={640}
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
              {list.results.map((delivery) => (
                <Table.Tr key={delivery.id}>
                  <Table.Td>{delivery.type}</Table.Td>
                  <Table.Td>{formatDate(delivery.created_at)}</Table.Td>
                  <Table.Td>
                    <Badge color={colors[delivery.state]} variant="light" tt="none">
                      {delivery.state}
                    </Badge>
                  </Table.Td>
                  <Table.Td ta="right">{delivery.num_attempts}</Table.Td>
                  <Table.Td style={{ overflowWrap: "anywhere" }}>{answerWords(delivery)}</Table.Td>
                  <Table.Td ta="right">
                    {canReplay && delivery.state !== "pending" && (
                      <Button
                        size="compact-xs"
                        variant="default"
                        loading={replay.isPending && replay.variables === delivery.id}
                        onClick={() => replay.mutate(delivery.id)}
                        aria-label={`Send ${delivery.type} of ${formatDate(delivery.created_at)} again`}
                      >
                        Send again
                      </Button>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </ListTable>
            <ListPages list={list} page={page} onChange={setPage} />
          </>
        )
      }
    </QueryView>
  );
}

function answerWords({ status, error, duration_ms }: Delivery): string {
  const parts = [
    status !== null && `HTTP ${status}`,
    duration_ms !== null && `${duration_ms} ms`,
    error !== "" && error,
  ];
  return parts.filter(Boolean).join(", ") || "–";
}
