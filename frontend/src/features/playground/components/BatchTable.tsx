/** Answers to several texts, one line each; choosing one shows all about it. */

import { Anchor, Badge, Group, Paper, Stack, Table, Text, Title } from "@mantine/core";

import { formatCount, formatPercent } from "@/lib/format";

import type { PredictResponse } from "../api/predict";

interface Props {
  texts: string[];
  answer: PredictResponse;
  shown: number;
  onShow: (index: number) => void;
}

export function BatchTable({ texts, answer, shown, onShow }: Props) {
  const counts = new Map<string, number>();
  for (const { label } of answer.predictions) counts.set(label, (counts.get(label) ?? 0) + 1);
  return (
    <Paper withBorder p="md" radius="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {formatCount(texts.length, "text")}
        </Title>
        <Group gap={6}>
          {[...counts]
            .sort(([, a], [, b]) => b - a)
            .map(([label, count]) => (
              <Badge key={label} variant="light" tt="none">
                {label}: {count}
              </Badge>
            ))}
        </Group>
        <Table.ScrollContainer
          minWidth={400}
          maxHeight={320}
          scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}
        >
          <Table verticalSpacing={6} stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Text</Table.Th>
                <Table.Th>Label</Table.Th>
                <Table.Th ta="right">Score</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {answer.predictions.map(({ label, score }, index) => (
                <Table.Tr key={index} {...(index === shown && { bg: "var(--mantine-primary-color-light)" })}>
                  <Table.Td>
                    <Anchor
                      component="button"
                      type="button"
                      size="sm"
                      ta="left"
                      c="var(--mantine-color-text)"
                      underline="always"
                      aria-current={index === shown}
                      onClick={() => onShow(index)}
                    >
                      <Text span size="sm" lineClamp={1} dir="auto">
                        {texts[index]}
                      </Text>
                    </Anchor>
                  </Table.Td>
                  <Table.Td style={{ overflowWrap: "anywhere" }}>{label}</Table.Td>
                  <Table.Td ta="right">{formatPercent(score)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Stack>
    </Paper>
  );
}
