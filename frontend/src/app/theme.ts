/** Colours and defaults of all components. */

import { createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "cyan",
  // Dark enough for white text on buttons and for links on white (WCAG AA).
  primaryShade: { light: 9, dark: 8 },
  defaultRadius: "md",
  cursorType: "pointer",
  autoContrast: true,
  headings: { fontWeight: "650" },
});
