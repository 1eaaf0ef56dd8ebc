/** The figures of a report on scores, several labels a row, or spans, each with its 95% interval where it has one. */

import { Table } from "@mantine/core";

import { formatNumber, formatPercent } from "@/lib/format";

import { formatFigure, type MultiLabelReport, type ScoreReport, type SpansReport } from "../report";
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
    measured("Variance explained (R²)", report.r2, report.r2_ci95, formatFigure),
    measured("Mean absolute error", report.mae, report.mae_ci95, formatFigure),
    measured("Root mean squared error", report.rmse, report.rmse_ci95, formatFigure),
    measured("Correlation (Pearson)", report.pearson, report.pearson_ci95, formatFigure),
    measured("Correlation of ranks (Spearman)", report.spearman, report.spearman_ci95, formatFigure),
    ...(train
      ? [
          { name: "Mean absolute error of always saying the mean", value: formatFigure(train.mean_mae) },
          { name: "Mean of the training rows", value: formatFigure(train.mean) },
          { name: "Standard deviation of the training rows", value: formatFigure(train.std) },
          { name: "Least of the training rows", value: formatFigure(train.least) },
          { name: "Most of the training rows", value: formatFigure(train.most) },
        ]
      : []),
  ];
}

function multiLabelRows(report: MultiLabelReport): Row[] {
  const percent = (share: number) => formatPercent(share);
  return [
    measured("Micro F1", report.micro_f1, report.micro_f1_ci95, percent),
    measured("Macro F1", report.macro_f1, report.macro_f1_ci95, percent),
    measured("Rows with exactly their labels", report.exact_match, report.exact_match_ci95, percent),
    { name: "Labels of a row, on average", value: report.mean_labels.toFixed(2) },
    { name: "Labels given to a row, on average", value: report.mean_predicted.toFixed(2) },
  ];
}

function spanRows(report: SpansReport): Row[] {
  const percent = (share: number) => formatPercent(share);
  return [
    measured("F1 of spans", report.span_f1, report.span_f1_ci95, percent),
    measured("Precision", report.precision, report.precision_ci95, percent),
    measured("Recall", report.recall, report.recall_ci95, percent),
    measured("Macro F1 over the labels", report.macro_f1, report.macro_f1_ci95, percent),
    measured("Rows with exactly their spans", report.exact_match, report.exact_match_ci95, percent),
    measured("Words with the right tag", report.token_accuracy, report.token_accuracy_ci95, percent),
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

function measured(
  name: string,
  value: number,
  [low, high]: [number, number],
  format: (value: number) => string,
): Row {
  return { name, value: format(value), interval: `${format(low)} to ${format(high)}` };
}
