/** A domain's tree versions: size, what they learnt from, what each changed, whether they are still there. */

import { Badge, Code, Group, Stack, Text } from "@mantine/core";

import { formatBytes, formatCount, formatDate } from "@/lib/format";
import type { DomainTree } from "@/lib/types";

import { TreeDiffTable } from "./TreeDiffTable";

export function TreeList({ trees }: { trees: DomainTree[] }) {
  return (
    <Stack component="ul" gap="md" p={0} m={0} style={{ listStyle: "none" }}>
      {trees.map((tree) => (
        <li key={tree.id}>
          <Group gap="xs">
            <Code>{tree.digest.replace(/^sha256:/, "").slice(0, 12)}</Code>
            <TreeState tree={tree} />
            <Text size="sm" c="dimmed">
              {formatDate(tree.created_at)} · {formatBytes(tree.num_bytes)} ·{" "}
              {formatCount(tree.num_segments, "segment")} of tenants
            </Text>
          </Group>
          {tree.diff && <TreeDiffTable diff={tree.diff} />}
        </li>
      ))}
    </Stack>
  );
}

function TreeState({ tree: { retired_at, destroyed_at } }: { tree: DomainTree }) {
  if (destroyed_at !== null) {
    return (
      <Badge color="red" variant="light" tt="none">
        Destroyed {formatDate(destroyed_at)}
      </Badge>
    );
  }
  return (
    <Badge color={retired_at === null ? "teal" : "gray"} variant="light" tt="none">
      {retired_at === null ? "In use" : "Retired"}
    </Badge>
  );
}
