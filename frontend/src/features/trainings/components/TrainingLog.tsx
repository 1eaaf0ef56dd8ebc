/** All that a training said, with its times, the newest at the end; folded until somebody wants it. */

import { useEffect, useRef } from "react";

import { Foldable } from "@/components/ui/Foldable";
import { formatClock, formatCount, formatDate } from "@/lib/format";
import type { TrainingEvent } from "@/lib/types";

import { type LogLine, logLines } from "../log";
import classes from "./TrainingLog.module.css";

export function TrainingLog({ events }: { events: TrainingEvent[] }) {
  const lines = logLines(events);
  if (lines.length === 0) return null;
  return (
    <Foldable title="What it did" note={formatCount(lines.length, "line")}>
      <Lines lines={lines} />
    </Foldable>
  );
}

/** Stays at the end while it grows, unless the reader has scrolled away from it. */
function Lines({ lines }: { lines: LogLine[] }) {
  const list = useRef<HTMLOListElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (list.current && isAtEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [lines.length]);
  return (
    <ol
      ref={list}
      className={classes.lines}
      tabIndex={0}
      aria-label="What the training did"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {lines.map(({ seq, at, words }) => (
        <li key={seq}>
          <time dateTime={at} title={formatDate(at)}>
            {formatClock(at)}
          </time>
          <span>{words}</span>
        </li>
      ))}
    </ol>
  );
}
