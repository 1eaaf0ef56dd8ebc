/** What an imported adapter had to prove before it may serve, and whether it did. */

import { Alert, List, Stack, Text } from "@mantine/core";

import { Section } from "@/components/ui/Section";
import { ShareBar } from "@/components/ui/ShareBar";
import { methodOfReport } from "@/lib/adapter-methods";
import { formatCount, formatPercent } from "@/lib/format";
import { sentence } from "@/lib/sentence";

import type { ImportReport } from "../report";

export function ImportParity({ report }: { report: ImportReport }) {
  const { parity, notes } = report;
  const { peft, plot, expected } = parity;
  const method = methodOfReport(report.method);
  return (
    <Section
      title="Does it answer as it does at home?"
      description={`Imported: ${method.label} of ${method.rankLabel.toLowerCase()} ${report.rank}, ${report.dtype}. Compared on ${formatCount(plot.rows, "text")}.`}
    >
      <Stack gap="sm">
        {!report.passed && (
          <Alert color="red" variant="light" title="This version cannot be deployed">
            <List size="sm">
              {parity.problems.map((problem) => (
                <List.Item key={problem}>{sentence(problem)}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        <ShareBar
          name="Answered as by the whole model"
          share={plot.share}
          color="teal.6"
          note={`${formatPercent(plot.min_share)} are asked for`}
        />
        <Text size="sm">
          Over the same computed layers, scores {differenceWords(peft.max_score_difference)} the{" "}
          {method.library} library's.
        </Text>
        {expected && (
          <Text size="sm">
            The numbers that came with it are off by{" "}
            {Math.min(
              expected.computed.max_score_difference,
              expected.plot.max_score_difference,
            ).toExponential(0)}{" "}
            at most.
          </Text>
        )}
        {notes.map((note) => (
          <Text size="sm" c="dimmed" key={note}>
            Note: {note}.
          </Text>
        ))}
      </Stack>
    </Section>
  );
}

function differenceWords(difference: number): string {
  return difference === 0 ? "are exactly" : `differ by ${difference.toExponential(0)} at most from`;
}
