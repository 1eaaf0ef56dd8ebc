/** What people call the domains of a suggestion. */

import type { Domain } from "@/lib/types";

export function nameOf(id: string | null, domains: Domain[]): string {
  if (id === null) return "General text";
  return domains.find((domain) => domain.id === id)?.name ?? "A domain that is gone";
}
