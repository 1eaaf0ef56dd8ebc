/** Whether the page is being put on paper: what is folded on the screen unfolds there, where nothing can be clicked. */

import { useEffect, useState } from "react";
import { flushSync } from "react-dom";

export function useIsPrinting(): boolean {
  const [isPrinting, setIsPrinting] = useState(false);
  useEffect(() => {
    const media = window.matchMedia("print");
    // The paper is laid out as soon as the listeners have returned.
    const set = (value: boolean) => flushSync(() => setIsPrinting(value));
    const change = ({ matches }: MediaQueryListEvent) => set(matches);
    const begin = () => set(true);
    const end = () => set(false);
    media.addEventListener("change", change);
    window.addEventListener("beforeprint", begin);
    window.addEventListener("afterprint", end);
    return () => {
      media.removeEventListener("change", change);
      window.removeEventListener("beforeprint", begin);
      window.removeEventListener("afterprint", end);
    };
  }, []);
  return isPrinting;
}
