/** The first of many rows, and a button that shows the others; on paper all are shown. */

import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { formatCount } from "@/lib/format";
import { useIsPrinting } from "@/lib/use-is-printing";

interface Folded<Row> {
  shown: Row[];
  /** Stands below the rows; null where all are shown. */
  more: ReactNode;
}

/** `noun` names one of them: "Show 12 more labels". */
export function useFolded<Row>(rows: Row[], atOnce: number, noun: string): Folded<Row> {
  const [isWhole, setIsWhole] = useState(false);
  const isPrinting = useIsPrinting();
  if (isWhole || isPrinting || rows.length <= atOnce) return { shown: rows, more: null };
  return {
    shown: rows.slice(0, atOnce),
    more: (
      <Button variant="default" size="xs" mt="xs" onClick={() => setIsWhole(true)}>
        Show {formatCount(rows.length - atOnce, `more ${noun}`)}
      </Button>
    ),
  };
}
