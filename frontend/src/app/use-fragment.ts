/** What stands after # in the address: secrets of mails' links, which browsers send to no server. */

import { useState } from "react";
import { useLocation } from "react-router";

/** The fragment, decoded; kept as it was when the page was opened. */
export function useFragment(): string {
  const { hash } = useLocation();
  const [fragment] = useState(() => decodeURIComponent(hash.slice(1)));
  return fragment;
}
