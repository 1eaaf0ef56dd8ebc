/** The figures of a report on scores, several labels a row, or spans, each with its 95% interval where it has one. */

import { Table } from "@mantine/core";

import { figuresOf, figureTitle } from "@/lib/figures";
import { formatNumber } from "@/lib/format";

import { formatMeasured, type MultiLabelReport, type ScoreReport, type SpansReport } from "../report";
import { ListTable } from "@/components/ui/ListTable";

interface Row {
  name: string;
  value: string;
  interval?: string;
}

export function FigureTable({ report }: { report: ScoreReport | MultiLabelReport | SpansReport }) {
  const rows =
    report.kind === "score"
      ? scoreRows(report)
      : report.kind === "multi_label"
        ? multiLabelRows(report)
        : spanRows(report);
  return (
    <ListTable
      minWidth={400}
      verticalSpacing={6}
      columns={["Figure", { name: "Value", isNumber: true }, { name: "95% interval", isNumber: true }]}
    >
      {rows.map(({ name, value, interval }) => (
        <Table.Tr key={name}>
          <Table.Th scope="row" fw={500}>
            {name}
          </Table.Th>
          <Table.Td ta="right">{value}</Table.Td>
          <Table.Td ta="right">{interval}</Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function scoreRows(report: ScoreReport): Row[] {
  const { train } = report;
  return [
    measured("r2", report.r2, report.r2_ci95),
    measured("mae", report.mae, report.mae_ci95),
    measured("rmse", report.rmse, report.rmse_ci95),
    measured("pearson", report.pearson, report.pearson_ci95),
    measured("spearman", report.spearman, report.spearman_ci95),
    ...(train
      ? [
          { name: `${figureTitle("mae")} of always saying the mean`, value: inUnits(train.mean_mae) },
          { name: "Mean of the training rows", value: inUnits(train.mean) },
          { name: "Standard deviation of the training rows", value: inUnits(train.std) },
          { name: "Least of the training rows", value: inUnits(train.least) },
          { name: "Most of the training rows", value: inUnits(train.most) },
        ]
      : []),
  ];
}

function multiLabelRows(report: MultiLabelReport): Row[] {
  return [
    measured("micro_f1", report.micro_f1, report.micro_f1_ci95),
    measured("macro_f1", report.macro_f1, report.macro_f1_ci95),
    exactRows(report),
    { name: "Labels of a row, on average", value: report.mean_labels.toFixed(2) },
    { name: "Labels given to a row, on average", value: report.mean_predicted.toFixed(2) },
  ];
}

function spanRows(report: SpansReport): Row[] {
  return [
    measured("span_f1", report.span_f1, report.span_f1_ci95),
    measured("precision", report.precision, report.precision_ci95),
    measured("recall", report.recall, report.recall_ci95),
    measured("macro_f1", report.macro_f1, report.macro_f1_ci95),
    exactRows(report),
    measured("token_accuracy", report.token_accuracy, report.token_accuracy_ci95),
    { name: "Spans marked", value: formatNumber(report.num_spans) },
    { name: "Spans found", value: formatNumber(report.num_predicted) },
    ...(report.num_cut > 0
      ? [{ name: "Marked spans that end inside a word", value: formatNumber(report.num_cut) }]
      : []),
    ...(report.num_not_read > 0
      ? [{ name: "Marked spans behind what is read", value: formatNumber(report.num_not_read) }]
      : []),
  ];
}

function exactRows(report: MultiLabelReport | SpansReport): Row {
  const title = figuresOf(report.kind).exactRows ?? "";
  return { ...measured("exact_match", report.exact_match, report.exact_match_ci95), name: title };
}

function measured(name: string, value: number, [low, high]: [number, number]): Row {
  const told = (figure: number) => formatMeasured(name, figure);
  return { name: figureTitle(name), value: told(value), interval: `${told(low)} to ${told(high)}` };
}

/** A number of the data, in its units. */
function inUnits(value: number): string {
  return formatMeasured("mae", value);
}
