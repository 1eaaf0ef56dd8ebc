/** What the server found in a file, the gravest first, and the buttons that mend it. */

import { Alert, Badge, Button, Group, Loader, Stack, Table, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle, IconTool } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import { formatNumber } from "@/lib/format";
import type { DatasetDetail, DatasetFinding } from "@/lib/types";

import { useFixDataset } from "../api/fix-dataset";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  tenant: string;
  dataset: DatasetDetail;
  /** Without it nothing can be mended: the reader is a viewer. */
  onMended?: (next: DatasetDetail) => void;
}

const groups = [
  { severity: "blocking", title: "Must be fixed before training", color: "red" },
  { severity: "warning", title: "Worth a look before training", color: "yellow" },
  { severity: "note", title: "Good to know", color: "blue" },
] as const;

const icons = {
  blocking: <IconAlertTriangle aria-hidden />,
  warning: <IconAlertTriangle aria-hidden />,
  note: <IconInfoCircle aria-hidden />,
};

export function DoctorReport({ tenant, dataset, onMended }: Props) {
  const mend = useFixDataset(tenant, dataset);
  const apply = (fixes: string[]) => onMended && afterChange(mend.mutateAsync({ fixes }), onMended);

  if (dataset.state === "checking") return <Checking />;
  const findings = dataset.report?.findings ?? [];
  const blocking = findings.filter(({ severity }) => severity === "blocking");
  const suggested = blocking.flatMap(({ fixes }) => fixes.slice(0, 1).map(({ id }) => id));
  const canMendAll = suggested.length > 1 && suggested.length === blocking.length;
  return (
    <Stack>
      {mend.isError && <ErrorNotice error={mend.error} title="The dataset was not mended" />}
      {dataset.state === "ready" && findings.every(({ severity }) => severity === "note") && (
        <Alert color="teal" variant="light" icon={<IconCircleCheck aria-hidden />} title="No problems found">
          Every row can be learnt from.
        </Alert>
      )}
      {groups.map(({ severity, title, color }) => {
        const found = findings.filter((finding) => finding.severity === severity);
        return (
          found.length > 0 && (
            <Alert key={severity} color={color} variant="light" icon={icons[severity]} title={title}>
              <Stack component="ul" gap="md" p={0} m={0} style={{ listStyle: "none" }}>
                {found.map((finding) => (
                  <FindingItem key={`${finding.code}: ${finding.message}`} finding={finding}>
                    {onMended &&
                      finding.fixes.map(({ id, words }, place) => (
                        <Button
                          key={id}
                          size="compact-sm"
                          variant={place === 0 ? "filled" : "default"}
                          h="auto"
                          mih={26}
                          styles={{ label: { whiteSpace: "normal", textAlign: "left" } }}
                          leftSection={place === 0 && <IconTool size={14} aria-hidden />}
                          loading={mend.isPending && mend.variables.fixes.includes(id)}
                          disabled={mend.isPending}
                          onClick={() => apply([id])}
                        >
                          {words}
                        </Button>
                      ))}
                  </FindingItem>
                ))}
              </Stack>
              {onMended && severity === "blocking" && canMendAll && (
                <Button mt="md" size="sm" disabled={mend.isPending} onClick={() => apply(suggested)}>
                  Do the first suggestion for each of the {formatNumber(suggested.length)}
                </Button>
              )}
            </Alert>
          )
        );
      })}
    </Stack>
  );
}

function Checking() {
  return (
    <Alert
      color="blue"
      variant="light"
      icon={<Loader size={18} aria-hidden />}
      title="The file is being examined"
    >
      <span role="status">This takes some seconds, for large files a minute. The report appears here.</span>
    </Alert>
  );
}

function FindingItem({ finding, children }: { finding: DatasetFinding; children: ReactNode }) {
  return (
    <li>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {finding.message}{" "}
        {finding.num_rows > 1 && (
          <Badge variant="default" size="sm" tt="none">
            {formatNumber(finding.num_rows)} rows
          </Badge>
        )}
      </Text>
      {finding.severity !== "note" && (
        <Text size="sm">
          <strong>What to do:</strong> {finding.fix}
        </Text>
      )}
      {finding.examples.length > 0 && (
        <ListTable minWidth={280} withRowBorders={false} verticalSpacing={2} fz="xs" aria-label="Examples">
          {finding.examples.map(({ row, value }) => (
            <Table.Tr key={row}>
              <Table.Th scope="row" w={80} fw={400}>
                row {row}
              </Table.Th>
              <Table.Td ff="monospace" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
                {value}
              </Table.Td>
            </Table.Tr>
          ))}
        </ListTable>
      )}
      <Group gap="xs" mt={6}>
        {children}
      </Group>
    </li>
  );
}
