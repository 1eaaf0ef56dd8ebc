/** Leads to the tasks of the tenant, or to making a first one. */

import { Navigate, useParams } from "react-router";

import { paths } from "../paths";
import { useSignedIn } from "../SignedIn";

export function HomePage() {
  const { memberships } = useSignedIn();
  const { tenant } = useParams();
  const slug = tenant ?? memberships[0]?.tenant.slug;
  return <Navigate to={slug === undefined ? paths.newTenant : paths.tasks(slug)} replace />;
}
