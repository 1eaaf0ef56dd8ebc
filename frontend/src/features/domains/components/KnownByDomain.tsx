/** How much of a text each domain knows, rung by rung, and whether it should be split; the most first. */

import { Stack, Text } from "@mantine/core";

import { RungBar, RungLegend } from "@/components/ui/RungBar";
import { formatCount } from "@/lib/format";
import type { Domain, Suggestion } from "@/lib/types";

import { nameOf } from "../names";

interface Props {
  suggestion: Suggestion | null;
  isMeasuring: boolean;
  domains: Domain[];
}

export function KnownByDomain({ suggestion, isMeasuring, domains }: Props) {
  if (suggestion?.state !== "succeeded") {
    return (
      <Text size="sm" c="dimmed" role="status">
        {isMeasuring ? "Comparing the text with the domains …" : "It was not compared with the domains."}
      </Text>
    );
  }
  const known = (suggestion.coverages ?? []).toSorted((a, b) => b.trigram + b.bigram - a.trigram - a.bigram);
  return (
    <Stack gap="sm">
      {known.map(({ domain_id: id, ...rungs }) => (
        <RungBar
          key={id}
          name={nameOf(id, domains)}
          rungs={rungs}
          {...(id === suggestion.best && { note: "suggested" })}
        />
      ))}
      <RungLegend />
      <Text size="xs" c="dimmed">
        Share of the tokens of {formatCount(suggestion.num_texts, "text")} that it knows with a neighbour: in
        threes, else in twos.
      </Text>
    </Stack>
  );
}
