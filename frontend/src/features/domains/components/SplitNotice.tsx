/** Says that a dataset's rows belong to several domains, which rows to which, and makes a dataset of each part. */

import { Alert, Anchor, List, Stack, Text } from "@mantine/core";
import { IconArrowsSplit2 } from "@tabler/icons-react";
import { Link } from "react-router";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { ShareBar } from "@/components/ui/ShareBar";
import { formatCount, formatPercent } from "@/lib/format";
import type { Dataset, Domain, Suggestion } from "@/lib/types";

import { useSplitDataset } from "../api/split-dataset";
import { nameOf } from "../names";

interface Props {
  tenant: string;
  dataset: string;
  suggestion: Suggestion | null;
  domains: Domain[];
  canSplit: boolean;
  /** Where a part that was made is gone on with. */
  hrefOf: (part: Dataset) => string;
}

export function SplitNotice({ tenant, dataset, suggestion, domains, canSplit, hrefOf }: Props) {
  const splitting = useSplitDataset(tenant, dataset);
  const split = suggestion?.split;
  if (!split) return null;
  const numRows = split.parts.reduce((sum, { num_rows }) => sum + num_rows, 0);
  return (
    <Alert
      variant="default"
      icon={<IconArrowsSplit2 aria-hidden />}
      title={`These rows belong to ${split.parts.length} domains`}
    >
      <Stack gap="sm">
        <Text size="sm">
          Of a row, its own domain knows {formatPercent(split.coverage)} on average, and one for all of them{" "}
          {formatPercent(split.coverage_together)}. Split them, and each part is learnt where it belongs.
        </Text>
        {split.parts.map((part) => (
          <div key={part.domain_id}>
            <ShareBar
              name={nameOf(part.domain_id, domains)}
              share={part.num_rows / numRows}
              note={formatCount(part.num_rows, "row")}
              color="blue.6"
            />
            <Text size="xs" c="dimmed" mt={2}>
              {part.coverage > part.coverage_together
                ? `Knows ${formatPercent(part.coverage, 0)} of them, instead of ${formatPercent(part.coverage_together, 0)}; `
                : `Knows ${formatPercent(part.coverage, 0)} of them; `}
              for instance the rows in lines {part.examples.join(", ")}.
            </Text>
          </div>
        ))}
        {splitting.data ? (
          <div role="status">
            <Text size="sm">The parts are made. Go on with</Text>
            <List size="sm">
              {splitting.data.results.map((part) => (
                <List.Item key={part.id}>
                  <Anchor component={Link} size="sm" to={hrefOf(part)}>
                    {part.name}
                  </Anchor>
                </List.Item>
              ))}
            </List>
          </div>
        ) : (
          canSplit && (
            <div>
              <ConfirmButton
                label="Make a dataset of each part"
                title={`Make ${formatCount(split.parts.length, "dataset")} of it?`}
                confirmLabel="Make them"
                confirmColor="blue"
                size="xs"
                error={splitting.error}
                isPending={splitting.isPending}
                onConfirm={() => splitting.mutateAsync()}
              >
                <Text size="sm">
                  This dataset stays as it is. Each of its {formatCount(numRows, "row")} is in one of the new
                  ones, and what each leaves out stands in its report. Delete them to undo it.
                </Text>
              </ConfirmButton>
            </div>
          )
        )}
      </Stack>
    </Alert>
  );
}
