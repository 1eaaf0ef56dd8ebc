/** What each role may do, in words. */

import type { Role } from "@/lib/types";

export const roles: { value: Role; label: string; words: string }[] = [
  { value: "viewer", label: "Viewer", words: "reads everything" },
  { value: "developer", label: "Developer", words: "uploads, trains, deploys and tries as well" },
  { value: "owner", label: "Owner", words: "also adds people, creates keys and deletes" },
];

export function roleName(role: Role): string {
  return roles.find(({ value }) => value === role)?.label ?? role;
}
