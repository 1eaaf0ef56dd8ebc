/** What the server noticed in a file that it took. */

import { Alert } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";

import type { Dataset } from "@/lib/types";

import { FindingList } from "./FindingList";

export function DatasetFindings({ dataset }: { dataset: Dataset }) {
  if (dataset.warnings.length === 0) {
    return (
      <Alert color="teal" variant="light" icon={<IconCircleCheck aria-hidden />} title="No problems found">
        Every row has a text and a label.
      </Alert>
    );
  }
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title="Worth a look before training"
    >
      <FindingList findings={dataset.warnings} />
    </Alert>
  );
}
