/** Where a new task's text may be learnt, as the wizard offers it. */

import type { Domain, Suggestion } from "@/lib/types";

/**
 * A domain of the tenant's own; a new one, below a shared domain or below the general one; or a shared one as it
 * stands, which the task reads and does not teach.
 */
export type DomainChoice =
  | { kind: "own"; slug: string; name: string; known: number | null }
  | { kind: "below" | "shared"; slug: string; name: string; known: number | null }
  | { kind: "new"; known: number | null };

export function idOf(choice: DomainChoice): string {
  return choice.kind === "new" ? "new" : `${choice.kind} ${choice.slug}`;
}

/** The domain at the root of the tree, above all others. */
export function isGeneral({ is_shared, slug }: Domain): boolean {
  return is_shared && slug === "general";
}

/** The choices, those that know most of the text first; the new domain stands where nothing is known of it. */
export function choicesFor(domains: Domain[], suggestion: Suggestion | null): DomainChoice[] {
  const knownBy = new Map(
    (suggestion?.coverages ?? []).map(({ domain_id, trigram, bigram }) => [domain_id, trigram + bigram]),
  );
  const named = domains.flatMap((domain): DomainChoice[] => {
    const { id, slug, name, is_shared } = domain;
    // A new domain stands below the general one in any case.
    const ofShared = isGeneral(domain) ? (["shared"] as const) : (["below", "shared"] as const);
    const kinds = is_shared ? ofShared : (["own"] as const);
    return kinds.map((kind) => ({ kind, slug, name, known: knownBy.get(id) ?? null }));
  });
  named.sort((a, b) => (b.known ?? -1) - (a.known ?? -1));
  return [{ kind: "new", known: knownBy.get(null) ?? null }, ...named];
}

/** The one that is chosen before a person has: what was measured as best, else a new domain. */
export function suggestedChoice(
  choices: DomainChoice[],
  domains: Domain[],
  suggestion: Suggestion | null,
): DomainChoice | undefined {
  const best = domains.find(({ id }) => id === suggestion?.best);
  const [newDomain] = choices;
  if (!best) return newDomain;
  return choices.find((choice) => choice.kind !== "new" && choice.slug === best.slug) ?? newDomain;
}
