/** What a trial has shown so far: agreement, failures, latency of both versions, and what that means. */

import { Alert, SimpleGrid, Stack, Table, Text } from "@mantine/core";

import { Figure } from "@/components/ui/Figure";
import { ShareBar } from "@/components/ui/ShareBar";
import { formatCount, formatNumber, formatPercent } from "@/lib/format";
import type { Trial, TrialComparison } from "@/lib/types";
import { ListTable } from "@/components/ui/ListTable";

export function TrialFigures({ trial }: { trial: Trial }) {
  const { comparison, verdict } = trial;
  return (
    <Stack>
      <Alert variant="light" color="blue" title={verdict.reason} />
      <ComparedSoFar trial={trial} />
      {comparison && comparison.num_requests > 0 && (
        <>
          <SimpleGrid cols={{ base: 2, md: 4 }}>
            <Figure
              name="Same label"
              value={verdict.agreement === null ? "–" : formatPercent(verdict.agreement)}
              note={`Of ${formatCount(comparison.num_texts, "text")}; between ${formatPercent(verdict.agreement_low, 0)} and ${formatPercent(verdict.agreement_high, 0)}; at least ${formatPercent(trial.min_agreement, 0)} is asked for`}
            />
            <Figure
              name="Scores apart"
              value={comparison.mean_difference === null ? "–" : comparison.mean_difference.toFixed(3)}
              note="Of the live label, mean over the texts"
            />
            <Figure
              name="Failed alone"
              value={`${comparison.num_trial_failed} / ${comparison.num_live_failed}`}
              note={`Requests that version ${trial.version} failed alone, and that version ${trial.against} failed alone`}
            />
            <Figure
              name="Time"
              value={milliseconds(comparison.trial.mean_ms)}
              note={`Version ${trial.against}: ${milliseconds(comparison.live.mean_ms)}; from the queue to the answer`}
            />
          </SimpleGrid>
          <Latencies trial={trial} comparison={comparison} />
        </>
      )}
    </Stack>
  );
}

/** How many texts were compared of those that a verdict needs, and how they come to be. */
function ComparedSoFar({ trial }: { trial: Trial }) {
  const { kind, share, version, against, min_texts, comparison } = trial;
  const compared = comparison?.num_texts ?? 0;
  const isCanary = kind === "canary";
  return (
    <div>
      <ShareBar
        name={`Compared: ${formatNumber(compared)} of at least ${formatCount(min_texts, "text")}`}
        share={Math.min(1, compared / min_texts)}
        color="cyan.6"
      />
      <Text size="sm" c="dimmed" mt={4}>
        {isCanary
          ? `Version ${version} answers ${formatPercent(share, 0)} of the requests, drawn by their ids; version ${against} is asked the same ones, to compare. So a verdict takes about ${formatCount(Math.ceil(min_texts / share), "text")} in all.`
          : `Version ${version} is asked what version ${against} answers, to compare.`}{" "}
        Requests that come while it is being loaded do not count.
      </Text>
    </div>
  );
}

function Latencies({ trial, comparison }: { trial: Trial; comparison: TrialComparison }) {
  const { bounds_ms: bounds, live, trial: tried } = comparison;
  const rows = tried.counts.map((count, index) => ({
    name: index < bounds.length ? `under ${bounds[index]} ms` : `${bounds.at(-1)} ms and more`,
    count,
    liveCount: live.counts[index] ?? 0,
  }));
  return (
    <ListTable
      minWidth={360}
      verticalSpacing={4}
      fz="sm"
      columns={[
        "Time",
        { name: `Version ${trial.version}`, isNumber: true },
        { name: `Version ${trial.against}`, isNumber: true },
      ]}
      caption={
        <Text span size="xs">
          Requests by their time, of those that both answered
        </Text>
      }
    >
      {rows
        .filter(({ count, liveCount }) => count + liveCount > 0)
        .map(({ name, count, liveCount }) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" fw={400}>
              {name}
            </Table.Th>
            <Table.Td ta="right">{formatNumber(count)}</Table.Td>
            <Table.Td ta="right">{formatNumber(liveCount)}</Table.Td>
          </Table.Tr>
        ))}
    </ListTable>
  );
}

function milliseconds(value: number | null): string {
  return value === null ? "–" : `${value.toFixed(1)} ms`;
}
