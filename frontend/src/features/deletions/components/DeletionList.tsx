/** Receipts of what was deleted: the segments that went, the trees destroyed, what replaced them. */

import { Badge, Button, Code, Group, List, Paper, Stack, Text, Title } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

import { downloadText } from "@/lib/download";
import { formatCount, formatDate } from "@/lib/format";
import type { Deletion } from "@/lib/types";

const subjects: Record<Deletion["subject"], string> = {
  dataset: "A dataset",
  tenant: "The tenant",
  contribution: "A contribution to a shared domain",
};

export function DeletionList({ deletions }: { deletions: Deletion[] }) {
  return (
    <Stack component="ul" gap="md" p={0} m={0} style={{ listStyle: "none" }}>
      {deletions.map((deletion) => (
        <Paper key={deletion.id} id={deletion.id} component="li" withBorder p="md" radius="md">
          <Receipt deletion={deletion} />
        </Paper>
      ))}
    </Stack>
  );
}

function Receipt({ deletion }: { deletion: Deletion }) {
  const { id, subject, subject_id, segments, versions, trees, deleted_at, forgotten_at } = deletion;
  return (
    <Stack gap="xs">
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} size="h5">
            {subjects[subject]}
          </Title>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {subject_id} · deleted {formatDate(deleted_at)}
          </Text>
        </div>
        <Badge color={forgotten_at === null ? "yellow" : "teal"} variant="light" tt="none">
          {forgotten_at === null ? "Being forgotten" : `Forgotten ${formatDate(forgotten_at)}`}
        </Badge>
      </Group>
      <List size="sm" spacing={4}>
        <List.Item>{formatCount(segments.length, "segment")} of counted n-grams went.</List.Item>
        {trees.map(({ digest, replaced_by }) => (
          <List.Item key={digest} style={{ overflowWrap: "anywhere" }}>
            Tree <Code>{short(digest)}</Code> was destroyed
            {replaced_by === null ? (
              "."
            ) : (
              <>
                ; <Code>{short(replaced_by)}</Code> was made without it.
              </>
            )}
          </List.Item>
        ))}
        {versions.length > 0 && (
          <List.Item>
            Trained on it before, and still there:{" "}
            {versions.map(({ task, number }) => `version ${number} of ${task}`).join(", ")}. Delete the task,
            or train again, to be rid of them.
          </List.Item>
        )}
      </List>
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          onClick={() =>
            downloadText(`receipt-${id}.json`, JSON.stringify(deletion, null, 2), "application/json")
          }
        >
          Download the receipt
        </Button>
      </Group>
    </Stack>
  );
}

function short(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}
