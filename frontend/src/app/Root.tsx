/** What all pages have in common. */

import { useLayoutEffect, useRef } from "react";
import { Outlet, useLocation } from "react-router";

import { useFocusOnNavigation } from "./use-focus-on-navigation";
import { OpenAddress } from "./use-lead-on";

export function Root() {
  useFocusOnNavigation();
  const { pathname } = useLocation();
  const open = useRef(pathname);
  useLayoutEffect(() => {
    open.current = pathname;
  }, [pathname]);
  return (
    <OpenAddress value={open}>
      <Outlet />
    </OpenAddress>
  );
}
