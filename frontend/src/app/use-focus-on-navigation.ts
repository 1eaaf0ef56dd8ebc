/** After a change of page the focus goes to its heading, as after a page load: screen readers go on from there. */

import { useEffect, useRef } from "react";
import { useLocation } from "react-router";

const waitMs = 10_000;

export function useFocusOnNavigation(): void {
  const { pathname } = useLocation();
  const last = useRef(pathname);
  useEffect(() => {
    if (last.current === pathname) return;
    last.current = pathname;
    if (focusHeading()) return;
    // The heading comes with what the page has to load first; until then the focus waits where the content is.
    const main = document.querySelector<HTMLElement>("main");
    main?.focus();
    const watch = new MutationObserver(() => {
      if (focusHeading()) watch.disconnect();
    });
    watch.observe(document.body, { childList: true, subtree: true });
    const timer = setTimeout(() => watch.disconnect(), waitMs);
    return () => {
      clearTimeout(timer);
      watch.disconnect();
    };
  }, [pathname]);
}

/** Whether the page has its heading by now. A field that asked for the focus keeps it, and so does what a person chose. */
function focusHeading(): boolean {
  const main = document.querySelector("main");
  const heading = main?.querySelector<HTMLElement>("h1");
  if (!main || !heading) return false;
  const { activeElement } = document;
  if (activeElement === main || !main.contains(activeElement)) {
    heading.tabIndex = -1;
    heading.focus();
  }
  return true;
}
