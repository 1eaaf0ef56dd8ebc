/** Findings with what to do about each. */

import { List, Text } from "@mantine/core";

import type { Finding } from "../findings";

export function FindingList({ findings }: { findings: Finding[] }) {
  return (
    <List
      size="sm"
      spacing="xs"
      {...(findings.length === 1 && { listStyleType: "none" })}
      withPadding={false}
    >
      {findings.map(({ code, message, fix }) => (
        <List.Item key={`${code}: ${message}`}>
          {message}
          <Text size="sm">
            <strong>What to do:</strong> {fix}
          </Text>
        </List.Item>
      ))}
    </List>
  );
}
