/** Leading on to another page once something has ended, for instance an upload. */

import { createContext, type RefObject, useContext } from "react";
import { useLocation, useNavigate } from "react-router";

/** The address that is open now; a page that was left knows only its own. */
export const OpenAddress = createContext<RefObject<string>>({ current: "" });

/** Goes to an address, unless the person has gone elsewhere meanwhile: there they stay, with what they type. Tells whether it went. */
export function useLeadOn(): (to: string) => boolean {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const open = useContext(OpenAddress);
  return (to) => {
    const isHere = open.current === pathname;
    if (isHere) void navigate(to);
    return isHere;
  };
}
