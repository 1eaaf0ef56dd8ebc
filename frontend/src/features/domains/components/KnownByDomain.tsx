/** How much of a text each domain knows in its context, the most first. */

import { Stack, Text } from "@mantine/core";

import { ShareBar } from "@/components/ui/ShareBar";
import { formatCount } from "@/lib/format";
import type { Domain, Suggestion } from "@/lib/types";

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
  const known = (suggestion.coverages ?? [])
    .map(({ domain_id, trigram, bigram }) => ({
      id: domain_id,
      name: nameOf(domain_id, domains),
      share: trigram + bigram,
    }))
    .sort((a, b) => b.share - a.share);
  return (
    <Stack gap="xs">
      {known.map(({ id, name, share }) => (
        <ShareBar
          key={id}
          name={name}
          share={share}
          color="teal.6"
          {...(id === suggestion.best && { note: "suggested" })}
        />
      ))}
      <Text size="xs" c="dimmed">
        Share of the tokens of {formatCount(suggestion.num_texts, "text")} that it knows with a neighbour.
      </Text>
    </Stack>
  );
}

function nameOf(id: string | null, domains: Domain[]): string {
  if (id === null) return "General text";
  return domains.find((domain) => domain.id === id)?.name ?? "A domain that is gone";
}
