/** The browser's title of a page, which screen readers announce first. */

import { useDocumentTitle } from "@mantine/hooks";

export function usePageTitle(...parts: string[]): void {
  useDocumentTitle([...parts, "HMI"].join(" · "));
}
