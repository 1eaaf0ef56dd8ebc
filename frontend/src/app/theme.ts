/** Colours and defaults of all components. */

import { Alert, createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "cyan",
  // Dark enough for white text on buttons and for links on white (WCAG AA).
  primaryShade: 9,
  defaultRadius: "md",
  cursorType: "pointer",
  autoContrast: true,
  // Interrupting a screen reader is for errors; those say role="alert" themselves.
  components: {
    Alert: Alert.extend({
      defaultProps: { role: "note" },
      // The coloured title of a light alert has too little contrast in yellow.
      styles: { title: { color: "var(--mantine-color-text)" } },
    }),
  },
  headings: { fontWeight: "650" },
});
