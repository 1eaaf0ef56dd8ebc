/** The private leaf that the recipe asked for: whether it was kept, and what it gained. */

import { Badge, Group, Stack, Text } from "@mantine/core";

import { Section } from "@/components/ui/Section";
import { ShareBar } from "@/components/ui/ShareBar";
import { formatBytes, formatCount } from "@/lib/format";
import { sentence } from "@/lib/sentence";
import { figuresOf, formatFigure, isShare, validationTitle } from "@/lib/figures";

import { type LeafTrial, type Report } from "../report";

export function LeafSection({ report }: { report: Report }) {
  const { private_leaf: leaf } = report;
  if (!leaf) return null;
  return (
    <Section
      title="The private leaf"
      description="A part of PLOT for this version alone, of n-grams that its shared domain does not know."
    >
      <Stack gap="xs">
        <Group gap="xs">
          <Badge color={leaf.is_kept ? "teal" : "gray"} variant="light" tt="none">
            {leaf.is_kept ? "Kept" : "Not kept"}
          </Badge>
          {leaf.num_rows !== null && leaf.num_bytes !== null && (
            <Text size="sm" c="dimmed">
              {formatCount(leaf.num_rows, "n-gram")}, {formatBytes(leaf.num_bytes)} of{" "}
              {formatBytes(leaf.max_bytes)}
            </Text>
          )}
          {leaf.gain_points !== null && <Text size="sm">{pointsOf(leaf.gain_points)}</Text>}
        </Group>
        <Text size="sm">{sentence(leaf.why)}</Text>
        <Gain leaf={leaf} metric={figuresOf(report.kind).watched} />
      </Stack>
    </Section>
  );
}

function Gain({ leaf, metric }: { leaf: LeafTrial; metric: string }) {
  const { validation_with: withIt, validation_without: without } = leaf;
  if (withIt === null || without === null) return null;
  if (!isShare(metric)) {
    return (
      <Text size="sm">
        {validationTitle(metric)}: {formatFigure(metric, withIt)} with it, {formatFigure(metric, without)}{" "}
        without.
      </Text>
    );
  }
  return (
    <>
      <ShareBar name={`${validationTitle(metric)} with it`} share={withIt} color="violet.6" />
      <ShareBar name="Without" share={without} color="gray.6" />
    </>
  );
}

function pointsOf(gain: number): string {
  return `${gain < 0 ? "−" : "+"}${Math.abs(gain).toFixed(1)} points`;
}
