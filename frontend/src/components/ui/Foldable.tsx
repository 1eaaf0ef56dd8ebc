/** A part of a page that is folded until somebody wants it; on paper it is open. */

import { Paper, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { useIsPrinting } from "@/lib/use-is-printing";

interface Props {
  title: string;
  /** Beside the title, folded or not: what stands inside in a few words. */
  note?: string;
  children: ReactNode;
}

export function Foldable({ title, note, children }: Props) {
  const [isUnfolded, setIsUnfolded] = useState(false);
  const isOpen = useIsPrinting() || isUnfolded;
  return (
    <Paper withBorder p="md" radius="md" component="details" open={isOpen}>
      <summary
        style={{ cursor: "pointer" }}
        onClick={(event) => {
          event.preventDefault();
          setIsUnfolded(!isUnfolded);
        }}
      >
        <Title order={2} size="h4" display="inline">
          {title}
        </Title>
        {note && (
          <Text span size="sm" c="dimmed">
            {" "}
            {note}
          </Text>
        )}
      </summary>
      {isOpen && <div style={{ marginTop: 12 }}>{children}</div>}
    </Paper>
  );
}
