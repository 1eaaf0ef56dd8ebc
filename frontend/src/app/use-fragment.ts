/** What stands after # in the address: secrets of mails' links, which browsers send to no server. */

import { useLocation } from "react-router";

/** The fragment, decoded; as it is where it cannot be, such as of a link that was cut off. */
export function useFragment(): string {
  const fragment = useLocation().hash.slice(1);
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
