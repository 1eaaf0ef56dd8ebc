/** A share between 0 and 1 as a bar with its name and figure; read out as one phrase. */

import { Progress } from "@mantine/core";

import { BarTitle } from "@/components/ui/BarTitle";

interface Props {
  name: string;
  share: number;
  note?: string;
  color?: string;
  strong?: boolean;
}

export function ShareBar({ name, share, note, color, strong = false }: Props) {
  return (
    <div>
      <BarTitle name={name} share={share} note={note} strong={strong} />
      <Progress value={share * 100} {...(color && { color })} size="sm" mt={3} aria-hidden />
    </div>
  );
}
