/** Counts of true label against predicted label; the darker, the larger the share of the true label's rows. */

import { ScrollArea, Text } from "@mantine/core";
import type { CSSProperties } from "react";

import classes from "./ConfusionMatrix.module.css";

/** More do not fit beside one another on paper. */
const manyLabels = 10;

interface Props {
  labels: string[];
  confusion: number[][];
}

export function ConfusionMatrix({ labels, confusion }: Props) {
  return (
    <ScrollArea viewportProps={{ tabIndex: 0 }} type="auto" offsetScrollbars="x">
      <table
        className={classes.matrix}
        data-many={labels.length > manyLabels || undefined}
        style={{ "--labels": labels.length } as CSSProperties}
      >
        <caption>
          <Text size="xs" c="dimmed" ta="left">
            Rows are the true labels, columns what the model said. On the diagonal it was right.
          </Text>
        </caption>
        <thead>
          <tr>
            <td />
            {labels.map((label) => (
              <th key={label} scope="col" title={label}>
                <span>{label}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {confusion.map((row, truth) => {
            const total = row.reduce((sum, count) => sum + count, 0);
            return (
              <tr key={labels[truth]}>
                <th scope="row" title={labels[truth]}>
                  <span>{labels[truth]}</span>
                </th>
                {row.map((count, predicted) => (
                  <Cell
                    key={labels[predicted]}
                    count={count}
                    share={total > 0 ? count / total : 0}
                    isRight={truth === predicted}
                  />
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </ScrollArea>
  );
}

function Cell({ count, share, isRight }: { count: number; share: number; isRight: boolean }) {
  // A single mistake among many must still be seen: the tint starts at 15%.
  const tint = count === 0 ? 0 : Math.round(15 + share * 60);
  return (
    <td
      data-empty={count === 0 || undefined}
      style={{
        background: `color-mix(in srgb, var(${isRight ? "--right" : "--wrong"}) ${tint}%, transparent)`,
      }}
    >
      {count}
    </td>
  );
}
