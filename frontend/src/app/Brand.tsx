/** The name of the product, leading home. */

import { Anchor, Text } from "@mantine/core";
import { Link } from "react-router";

export function Brand() {
  return (
    <Anchor component={Link} to="/" underline="never" c="inherit" aria-label="HMI, to the start page">
      <Text span fw={800} fz="lg" lts={1} c="cyan">
        ≡
      </Text>{" "}
      <Text span fw={800} fz="lg" lts={0.5}>
        HMI
      </Text>
    </Anchor>
  );
}
