/** The text with what was found in it: each place marked, with its label and score. */

import { Badge } from "@mantine/core";

import { formatPercent } from "@/lib/format";

import type { FoundSpan } from "../api/predict";
import { spansOf } from "@/lib/spans";
import classes from "./TokenText.module.css";

export function FoundText({ text, spans }: { text: string; spans: FoundSpan[] }) {
  return (
    <div className={classes.text} dir="auto" role="region" aria-label="What was found" tabIndex={0}>
      {spansOf(text, spans).map(({ text: part, token: span }, index) =>
        span === null ? (
          <span key={index}>{part}</span>
        ) : (
          <mark key={index} className={classes.token} data-found title={`Score ${formatPercent(span.score)}`}>
            {part}{" "}
            <Badge size="xs" variant="light" tt="none" component="span">
              {span.label}
            </Badge>
          </mark>
        ),
      )}
    </div>
  );
}
