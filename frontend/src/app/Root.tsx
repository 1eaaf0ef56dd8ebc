/** What all pages have in common. */

import { Outlet } from "react-router";

import { useFocusOnNavigation } from "./use-focus-on-navigation";

export function Root() {
  useFocusOnNavigation();
  return <Outlet />;
}
