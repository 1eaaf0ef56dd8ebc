/** How the version came about: how long it took and why it ended, its recipe, and what a search had tried. */

import { List, Stack, Table, Text, Title } from "@mantine/core";

import { Foldable } from "@/components/ui/Foldable";
import { ListTable } from "@/components/ui/ListTable";
import { methodOfReport } from "@/lib/adapter-methods";
import { formatCount, formatDuration, formatNumber } from "@/lib/format";
import { figuresOf, formatFigure, validationTitle } from "@/lib/figures";
import { timeLimitWords } from "@/lib/time-limit";

import { type Recipe, type Report, type Search } from "../report";

export function HowTrained({ report }: { report: Report }) {
  const { recipe, search } = report;
  if (!recipe) return null;
  return (
    <Foldable title="How it was trained" note={inShort(report)}>
      <Stack gap="md">
        <List size="sm" spacing={4}>
          {courseOf(report).map((words) => (
            <List.Item key={words}>{words}</List.Item>
          ))}
        </List>
        <RecipeTable recipe={recipe} />
        {search && <Trials search={search} metric={figuresOf(report.kind).watched} />}
      </Stack>
    </Foldable>
  );
}

function inShort({ seconds, stopped_at_cap }: Report): string {
  return [
    seconds !== undefined && `${formatDuration(seconds)} of work`,
    stopped_at_cap && "stopped at its limit of time",
  ]
    .filter(Boolean)
    .join(", ");
}

/** What happened, in sentences. */
function courseOf(report: Report): string[] {
  const { seconds, stopped_at_cap, stopped_early, curve, search } = report;
  const metric = figuresOf(report.kind).watched;
  const last = curve?.at(-1);
  // Of equals the later was kept.
  const best = curve?.findLast(
    ({ validation_accuracy }) => validation_accuracy === report.validation_accuracy,
  );
  return [
    seconds !== undefined && `It took ${formatDuration(seconds)} of work, measuring and comparing included.`,
    stopped_at_cap
      ? `It was stopped at ${endedBy(report)}: with more time it might be better.`
      : stopped_early
        ? "It ended early, since more steps brought no gain."
        : "It went on to the end of its recipe.",
    last &&
      `It went over the training rows ${formatCount(Number(last.epoch.toFixed(1)), "time")}, in ${formatCount(last.step, "step")}.`,
    best &&
      `Kept is what did best. ${validationTitle(metric)} after step ${formatNumber(best.step)}: ${formatFigure(metric, best.validation_accuracy)}.`,
    search
      ? `Its recipe was found by a search: ${formatCount(search.trials.length, "trial")}, judged on validation rows alone.`
      : "Its recipe was given; no others were tried.",
    search?.is_cut_short && "There was no time for the whole search: the best so far was taken.",
  ].filter((words): words is string => typeof words === "string");
}

/** Of a report that does not name the limit: the operator's where the recipe had none. */
function endedBy({ stopped_at, recipe }: Report): string {
  if (stopped_at) return timeLimitWords(stopped_at);
  return typeof recipe?.max_minutes === "number"
    ? timeLimitWords({ limit: "max_minutes", minutes: recipe.max_minutes })
    : "the longest time that a training may take here";
}

function RecipeTable({ recipe }: { recipe: Recipe }) {
  const method = methodOfReport(recipe.method);
  const lines: [string, string, string][] = [
    ["Adapter", method.label, "what is trained; the shared model stays as it is"],
    [method.rankLabel, formatNumber(recipe.rank), "more can learn more, and is larger"],
    ...(method.hasAlpha
      ? [["Alpha", formatNumber(recipe.alpha), "how much the adapter weighs"] as [string, string, string]]
      : []),
    ["Learning rate", String(recipe.learning_rate), "how far each step goes"],
    ["Epochs", formatNumber(recipe.epochs), "times over the training rows; more where there are few"],
    ["Rows in a step", formatNumber(recipe.batch_rows), ""],
    ["Tokens read of a text", formatNumber(recipe.max_tokens), "longer texts are cut there"],
    [
      "Patience",
      formatNumber(recipe.patience),
      "looks at the validation rows without gain before it ends early",
    ],
    [
      "Limit of time",
      recipe.max_minutes === null ? "none" : `${formatNumber(recipe.max_minutes)} minutes`,
      "",
    ],
    [
      "Seed",
      String(recipe.seed),
      "of all that is drawn by chance: the same data, recipe and seed give the same version",
    ],
  ];
  return (
    <ListTable minWidth={280} verticalSpacing={4} columns={["Recipe", "Value", "What it is"]}>
      {lines.map(([name, value, meaning]) => (
        <Table.Tr key={name}>
          <Table.Th scope="row" fw={500}>
            {name}
          </Table.Th>
          <Table.Td>{value}</Table.Td>
          <Table.Td c="dimmed">{meaning}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function Trials({ search, metric }: { search: Search; metric: string }) {
  return (
    <div>
      <Title order={3} size="sm" mb={4}>
        What the search tried
      </Title>
      <Text size="sm" mb="xs">
        Each round, the better half goes on with more rows.
      </Text>
      <ListTable
        minWidth={480}
        verticalSpacing={4}
        columns={[
          { name: "Round", isNumber: true },
          { name: "Learning rate", isNumber: true },
          { name: "Rank", isNumber: true },
          { name: "Epochs", isNumber: true },
          { name: "Rows", isNumber: true },
          { name: validationTitle(metric), isNumber: true },
          "Outcome",
        ]}
      >
        {search.trials.map((trial, place) => (
          <Table.Tr key={place}>
            <Table.Td ta="right">{trial.round}</Table.Td>
            <Table.Td ta="right">{Number(trial.learning_rate.toPrecision(3))}</Table.Td>
            <Table.Td ta="right">{trial.rank}</Table.Td>
            <Table.Td ta="right">{trial.epochs}</Table.Td>
            <Table.Td ta="right">{formatNumber(trial.rows)}</Table.Td>
            <Table.Td ta="right">{formatFigure(metric, trial.validation_accuracy)}</Table.Td>
            <Table.Td>{outcomeOf(search, place)}</Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
    </div>
  );
}

/** The last one that was kept is the recipe; those kept before went on. */
function outcomeOf({ trials }: Search, place: number): string {
  if (!trials[place]?.is_kept) return "";
  return place === trials.findLastIndex(({ is_kept }) => is_kept) ? "taken" : "went on";
}
