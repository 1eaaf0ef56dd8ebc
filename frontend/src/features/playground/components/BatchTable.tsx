/** Answers to several texts, one line each; choosing one shows all about it. */

import { Anchor, Badge, Group, Paper, Stack, Table, Text, Title } from "@mantine/core";

import { formatCount } from "@/lib/format";

import { answerOf, labelsOf, textOf } from "../answer";
import type { PredictInput, PredictResponse } from "../api/predict";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  inputs: PredictInput[];
  answer: PredictResponse;
  shown: number;
  onShow: (index: number) => void;
}

export function BatchTable({ inputs, answer, shown, onShow }: Props) {
  const counts = new Map<string, number>();
  for (const label of answer.predictions.flatMap(labelsOf)) counts.set(label, (counts.get(label) ?? 0) + 1);
  const answers = answer.predictions.map(answerOf);
  const hasScores = answers.some(({ score }) => score !== null);
  return (
    <Paper withBorder p="md" radius="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {formatCount(inputs.length, "text")}
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
        <ListTable
          minWidth={400}
          maxHeight={320}
          verticalSpacing={6}
          stickyHeader
          columns={[
            "Text",
            answers[0]?.name ?? "Answer",
            ...(hasScores ? [{ name: "Score", isNumber: true }] : []),
          ]}
        >
          {answers.map(({ words, isSure, score }, index) => (
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
                    {textOf(inputs[index] ?? "")}
                  </Text>
                </Anchor>
              </Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                {isSure ? words : `Not sure: ${words}`}
              </Table.Td>
              {hasScores && <Table.Td ta="right">{score}</Table.Td>}
            </Table.Tr>
          ))}
        </ListTable>
      </Stack>
    </Paper>
  );
}
