/** Colours and defaults of all components. */

import { Alert, createTheme, type CSSVariablesResolver, NavLink, Notification } from "@mantine/core";

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
      // Errors and findings quote names, addresses and texts, which may have no blank for long.
      styles: {
        title: { color: "var(--mantine-color-text)" },
        body: { minWidth: 0, overflowWrap: "anywhere" },
      },
    }),
    // So has the label of the current page's link under the mouse, and the text of a notice.
    NavLink: NavLink.extend({ styles: { label: { color: "var(--mantine-color-text)" } } }),
    Notification: Notification.extend({
      defaultProps: { closeButtonProps: { "aria-label": "Dismiss" } },
      styles: { description: { color: "var(--mantine-color-text)" } },
    }),
  },
  headings: { fontWeight: "650" },
});

// Under the mouse a button gets darker: the shade beside the darkest one is too light for its text.
const hovered = { "--mantine-color-cyan-filled-hover": "#095c6b" };

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: hovered,
  dark: hovered,
});
