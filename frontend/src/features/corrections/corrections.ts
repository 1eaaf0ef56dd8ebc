/** What a person has decided about rows of a dataset, kept in this browser window until it is sent. */

import { useSessionStorage } from "@mantine/hooks";
import { useEffect, useRef } from "react";

import { formatCount } from "@/lib/format";
import type { Correction } from "@/lib/types";

export interface Corrections {
  all: Correction[];
  of: (row: number) => Correction | undefined;
  /** Undefined takes the decision about the row back. */
  decide: (row: number, correction: Correction | undefined) => void;
  clear: () => void;
  /** Takes back what is among `sent`; what was decided since stays. */
  settle: (sent: Correction[]) => void;
}

export function useCorrections(tenant: string, dataset: string): Corrections {
  const [all, setAll, clear] = useSessionStorage<Correction[]>({
    key: `hmi-corrections ${tenant} ${dataset}`,
    defaultValue: [],
    getInitialValueInEffect: false,
  });
  const latest = useRef(all);
  useEffect(() => {
    latest.current = all;
  }, [all]);
  return {
    all,
    of: (row) => all.find((correction) => correction.row === row),
    decide: (row, correction) =>
      setAll((before) => [...before.filter((each) => each.row !== row), ...(correction ? [correction] : [])]),
    clear,
    settle: (sent) => {
      const words = new Set(sent.map((each) => JSON.stringify(each)));
      const rest = latest.current.filter((each) => !words.has(JSON.stringify(each)));
      // Not by a function of what was before: that is not called when the page has gone.
      if (rest.length > 0) setAll(rest);
      else clear();
    },
  };
}

/** "2 labels changed, 1 row marked anew, 1 row left out". */
export function correctionsInWords(all: Correction[]): string {
  const numDropped = all.filter(({ drop }) => drop).length;
  const numValues = all.filter(({ value }) => value !== undefined).length;
  const numMarked = all.filter(({ spans }) => spans !== undefined).length;
  const numLabels = all.length - numDropped - numValues - numMarked;
  return [
    numLabels > 0 && `${formatCount(numLabels, "label")} changed`,
    numValues > 0 && `${formatCount(numValues, "value")} changed`,
    numMarked > 0 && `${formatCount(numMarked, "row")} marked anew`,
    numDropped > 0 && `${formatCount(numDropped, "row")} left out`,
  ]
    .filter(Boolean)
    .join(", ");
}
