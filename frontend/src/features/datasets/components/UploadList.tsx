/** Files of which bytes are missing: how much has arrived, how to go on, and giving up. */

import { Button, Group, List, Stack, Text } from "@mantine/core";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { formatAgo, formatBytes, formatPercent } from "@/lib/format";
import type { DatasetUpload } from "@/lib/types";

import { useGiveUpUpload } from "../api/give-up-upload";

export function UploadList({ tenant, uploads }: { tenant: string; uploads: DatasetUpload[] }) {
  const giveUp = useGiveUpUpload(tenant);
  return (
    <Stack gap="sm">
      {giveUp.isError && <ErrorNotice error={giveUp.error} title="It was not thrown away" />}
      <List listStyleType="none" spacing="xs">
        {uploads.map(({ id, file_name, offset, num_bytes, created_at }) => (
          <List.Item key={id} styles={{ itemWrapper: { width: "100%" }, itemLabel: { width: "100%" } }}>
            <Group justify="space-between" gap="sm">
              <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                <strong>{file_name}</strong>: {formatPercent(offset / num_bytes, 0)} of{" "}
                {formatBytes(num_bytes)} arrived, begun {formatAgo(created_at)}
              </Text>
              <Button
                size="xs"
                variant="default"
                loading={giveUp.isPending && giveUp.variables === id}
                onClick={() => giveUp.mutate(id)}
                aria-label={`Give up ${file_name}`}
              >
                Give up
              </Button>
            </Group>
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
