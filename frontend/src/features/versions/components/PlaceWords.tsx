/** The words of the places in a text that another set of places lacks, each with its label. */

import { Text } from "@mantine/core";

import { formatNumber } from "@/lib/format";

import { placesOnlyIn, wordsAt } from "../marked";
import type { Place } from "../report";

interface Props {
  text: string;
  places: Place[];
  /** What they are compared with: places that both have are counted alone. */
  than: Place[];
}

export function PlaceWords({ text, places, than }: Props) {
  const differing = placesOnlyIn(places, than);
  const numShared = places.length - differing.length;
  return (
    <>
      {differing.map((place, index) => (
        <span key={`${place.start} ${place.end}`}>
          {index > 0 && ", "}
          <bdi>“{wordsAt(text, place)}”</bdi> {place.label}
        </span>
      ))}
      {differing.length === 0 && (numShared > 0 ? "nothing else" : "none")}
      {numShared > 0 && (
        <Text span size="xs" c="dimmed">
          {" "}
          and {formatNumber(numShared)} in both
        </Text>
      )}
    </>
  );
}
