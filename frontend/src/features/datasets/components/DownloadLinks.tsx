/** The file as it came, and as it was cleaned. */

import { Anchor, Group } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

import type { Dataset } from "@/lib/types";

export function DownloadLinks({ tenant, dataset }: { tenant: string; dataset: Dataset }) {
  const address = `/api/v1/tenants/${encodeURIComponent(tenant)}/datasets/${dataset.id}`;
  return (
    <Group gap="md">
      <Anchor size="sm" href={`${address}/original`} download>
        <IconDownload size={14} aria-hidden /> As it came
      </Anchor>
      {dataset.num_rows > 0 && (
        <Anchor size="sm" href={`${address}/cleaned`} download>
          <IconDownload size={14} aria-hidden /> As it was cleaned
        </Anchor>
      )}
    </Group>
  );
}
