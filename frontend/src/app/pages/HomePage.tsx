/** Leads to the first tenant of the person, or to making one. */

import { Navigate } from "react-router";

import { paths } from "../paths";
import { useSignedIn } from "../SignedIn";

export function HomePage() {
  const { memberships } = useSignedIn();
  const slug = memberships[0]?.tenant.slug;
  return <Navigate to={slug === undefined ? paths.newTenant : paths.overview(slug)} replace />;
}
