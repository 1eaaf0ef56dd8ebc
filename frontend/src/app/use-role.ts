/** What the person may do in a tenant; the server decides, this only hides what it would refuse. */

import { useSignedIn } from "./SignedIn";

export function useRole(tenant: string) {
  const role = useSignedIn().memberships.find((membership) => membership.tenant.slug === tenant)?.role;
  return { canWrite: role === "owner" || role === "developer", isOwner: role === "owner" };
}
