/** Whether the page is being put on paper: what is folded on the screen unfolds there, where nothing can be clicked. */

import { useSyncExternalStore } from "react";
import { flushSync } from "react-dom";

/** Of the whole page: parts that appear because others unfold know it, too. */
let isPrinting = false;

function subscribe(onChange: () => void): () => void {
  const media = window.matchMedia("print");
  // The paper is laid out as soon as the listeners have returned.
  const set = (value: boolean) => {
    isPrinting = value;
    flushSync(onChange);
  };
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
}

export function useIsPrinting(): boolean {
  return useSyncExternalStore(subscribe, () => isPrinting);
}
