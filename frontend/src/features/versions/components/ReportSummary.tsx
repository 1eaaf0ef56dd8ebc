/** A version's report: how good, for which labels, what it confuses, how much PLOT knew, what it costs. */

import { Alert, List, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";

import { ListTable } from "@/components/ui/ListTable";
import { Section } from "@/components/ui/Section";
import { ShareBar } from "@/components/ui/ShareBar";
import { useFolded } from "@/components/ui/use-folded";
import { useSorted } from "@/components/ui/use-sorted";
import { figureTitle } from "@/lib/figures";
import { formatBytes, formatCount, formatNumber, formatPercent } from "@/lib/format";

import {
  type ClassFigures,
  hasOneLabel,
  type MultiLabelReport,
  type OneLabelReport,
  readReport,
  type Report,
  type ScoreReport,
  type SpansReport,
} from "../report";
import { type Confusion, confusionsOf } from "../confusions";
import { ConfusedPairs } from "./ConfusedPairs";
import { ConfusionMatrix } from "./ConfusionMatrix";
import { FigureTable } from "./FigureTable";
import { FloorTable } from "./FloorTable";
import { HowTrained } from "./HowTrained";
import { LabelSets } from "./LabelSets";
import { LeafSection } from "./LeafSection";
import { LearningCurve } from "./LearningCurve";
import { NamedRows } from "./NamedRows";
import { OfflineSection } from "./OfflineSection";
import { PlotCost } from "./PlotCost";
import { RankTable } from "./RankTable";
import { ReliabilityDiagram } from "./ReliabilityDiagram";
import { ReportFigures } from "./ReportFigures";
import type { Decisions } from "./RowDecision";
import { SliceTable } from "./SliceTable";

/** A matrix of more labels is too large to read. */
const maxMatrixLabels = 30;
const labelsAtOnce = 30;
/** Sections that are there with nothing in them tell why themselves. */
const saidElsewhere = ["learning_curve", "plot_cost"];

interface Props {
  tenant: string;
  report: unknown;
  /** The dataset that was trained on, where the rows' texts are; null when it is gone. */
  dataset: string | null;
  /** What becomes of the rows that it names; null where nothing may be changed. */
  decisions: Decisions | null;
}

export function ReportSummary({ tenant, report: json, dataset, decisions }: Props) {
  const report = readReport(json);
  if (!report) {
    return (
      <Alert color="yellow" variant="light" title="No report to show">
        This version has no report, or one in a format that this dashboard does not know.
      </Alert>
    );
  }
  const rows = <NamedRows tenant={tenant} report={report} dataset={dataset} decisions={decisions} />;
  if (!hasOneLabel(report)) return <PlainSummary report={report} rows={rows} />;
  return (
    <Stack gap="lg">
      <ReportFigures report={report} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: "start" }}>
        <Confusions report={report} />
        <Section title="By label">
          <ClassTable classes={report.classes} />
        </Section>
      </SimpleGrid>
      {rows}
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: "start" }}>
        <Stack gap="lg">
          {report.calibration && (
            <Section title="Do the scores mean what they say?">
              <ReliabilityDiagram calibration={report.calibration} />
            </Section>
          )}
          {report.label_sets && report.label_sets.length > 0 && (
            <Section title="When it may say “not sure”">
              <LabelSets figures={report.label_sets} />
            </Section>
          )}
          {report.slices && (
            <Section title="Where it is good, and where not">
              <SliceTable slices={report.slices} figure={figureTitle("accuracy")} />
            </Section>
          )}
          {report.learning_curve !== undefined && (
            <Section title="Would more rows help?">
              <LearningCurve curve={report.learning_curve} metric="accuracy" />
            </Section>
          )}
        </Stack>
        <Stack gap="lg">
          <CommonSections report={report} />
        </Stack>
      </SimpleGrid>
    </Stack>
  );
}

/** Of kinds that have neither confusions nor one score a row. */
function PlainSummary({
  report,
  rows,
}: {
  report: ScoreReport | MultiLabelReport | SpansReport;
  rows: ReactNode;
}) {
  return (
    <Stack gap="lg">
      <ReportFigures report={report} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: "start" }}>
        <Section title="On the held-out rows">
          <FigureTable report={report} />
        </Section>
        {report.kind !== "score" && (
          <Section title="By label">
            <ClassTable
              classes={report.classes}
              counted={report.kind === "token_classification" ? "Spans" : "Rows"}
            />
          </Section>
        )}
      </SimpleGrid>
      {rows}
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: "start" }}>
        {report.kind !== "score" && report.calibration && (
          <Section title="Do the scores mean what they say?">
            <ReliabilityDiagram calibration={report.calibration} />
          </Section>
        )}
        {report.slices && (
          <Section title="Where it is good, and where not">
            <SliceTable
              slices={report.slices}
              figure={report.kind === "score" ? "Mean error" : "Exactly right"}
            />
          </Section>
        )}
        {report.learning_curve !== undefined && (
          <Section title="Would more rows help?">
            <LearningCurve curve={report.learning_curve} metric={report.headline.name} />
          </Section>
        )}
        <CommonSections report={report} />
      </SimpleGrid>
    </Stack>
  );
}

/** What reports of every kind end with. */
function CommonSections({ report }: { report: Report }) {
  return (
    <>
      <Section title="How much of the text PLOT knew">
        <CoverageBars coverage={report.coverage} />
      </Section>
      <Section title="What PLOT costs">
        <PlotCost report={report} />
      </Section>
      <LeafSection report={report} />
      <FloorSection report={report} />
      <RankSection report={report} />
      <OfflineSection report={report} />
      <Section title="Behind these figures">
        <Background report={report} />
      </Section>
      <HowTrained report={report} />
    </>
  );
}

function FloorSection({ report }: { report: Report }) {
  if (!report.floor_curve) return null;
  return (
    <Section title="What a coverage floor would bring">
      <FloorTable report={report} points={report.floor_curve} />
    </Section>
  );
}

function RankSection({ report }: { report: Report }) {
  if (!report.rank_curve?.length) return null;
  return (
    <Section title="What a smaller rank would cost">
      <RankTable report={report} points={report.rank_curve} />
    </Section>
  );
}

function ClassTable({ classes, counted = "Rows" }: { classes: ClassFigures[]; counted?: string }) {
  const { sorted, sort } = useSorted(classes, {
    label: ({ label }) => label,
    threshold: ({ threshold }) => threshold ?? null,
    precision: ({ precision }) => precision,
    recall: ({ recall }) => recall,
    f1: ({ f1 }) => f1,
    ece: ({ ece }) => ece ?? null,
    support: ({ support }) => support,
  });
  const { shown, more } = useFolded(sorted, labelsAtOnce, "label");
  const hasErrors = classes.some(({ ece }) => ece !== undefined);
  const hasThresholds = classes.some(({ threshold }) => threshold !== undefined);
  return (
    <>
      <ListTable
        minWidth={400}
        caption="Precision: how much of what was given the label has it. Recall: how much of what has it was given it. F1: both in one figure."
        verticalSpacing={6}
        columns={[
          { name: "Label", ...sort("label") },
          ...(hasThresholds ? [{ name: "Given from", isNumber: true, ...sort("threshold") }] : []),
          { name: "Precision", isNumber: true, ...sort("precision") },
          { name: "Recall", isNumber: true, ...sort("recall") },
          { name: "F1", isNumber: true, ...sort("f1") },
          ...(hasErrors ? [{ name: "Score error", isNumber: true, ...sort("ece") }] : []),
          { name: counted, isNumber: true, ...sort("support") },
        ]}
      >
        {shown.map(({ label, threshold, precision, recall, f1, ece, support }) => (
          <Table.Tr key={label}>
            <Table.Th scope="row" fw={500} style={{ overflowWrap: "anywhere" }}>
              {label}
            </Table.Th>
            {hasThresholds && (
              <Table.Td ta="right">{threshold === undefined ? "–" : formatPercent(threshold)}</Table.Td>
            )}
            <Table.Td ta="right">{formatPercent(precision)}</Table.Td>
            <Table.Td ta="right">{formatPercent(recall)}</Table.Td>
            <Table.Td ta="right">{formatPercent(f1)}</Table.Td>
            {hasErrors && <Table.Td ta="right">{ece === undefined ? "–" : formatPercent(ece)}</Table.Td>}
            <Table.Td ta="right">{formatNumber(support)}</Table.Td>
          </Table.Tr>
        ))}
      </ListTable>
      {more}
    </>
  );
}

/** Of few labels the matrix, of many the pairs: a thousand labels would have a million cells. */
function Confusions({ report: { labels, confusion } }: { report: OneLabelReport }) {
  if (labels.length > maxMatrixLabels) {
    return (
      <Section title="Most confused labels">
        <ConfusedPairs labels={labels} confusion={confusion} />
      </Section>
    );
  }
  return (
    <Section title="Confusion matrix">
      <ConfusionMatrix labels={labels} confusion={confusion} />
      <WorstConfusions worst={confusionsOf(labels, confusion).slice(0, 3)} />
    </Section>
  );
}

function WorstConfusions({ worst }: { worst: Confusion[] }) {
  if (worst.length === 0) {
    return (
      <Text size="sm" mt="md">
        No held-out row was given a wrong label.
      </Text>
    );
  }
  return (
    <>
      <Text size="sm" mt="md" mb={4} fw={500}>
        Most frequent mistakes
      </Text>
      <List size="sm">
        {worst.map(({ truth, predicted, count }) => (
          <List.Item key={`${truth}→${predicted}`}>
            “{truth}” taken for “{predicted}”: {formatCount(count, "time")}
          </List.Item>
        ))}
      </List>
    </>
  );
}

function CoverageBars({ coverage }: { coverage: Report["coverage"] }) {
  return (
    <Stack gap="xs">
      <ShareBar
        name="Three tokens together"
        share={coverage.trigram}
        color="teal.6"
        note="exact context known"
      />
      <ShareBar name="Two tokens" share={coverage.bigram} color="cyan.6" />
      <ShareBar name="One token" share={coverage.unigram} color="yellow.6" note="backed off all the way" />
      {coverage.exact > 0 && <ShareBar name="Computed" share={coverage.exact} color="violet.6" />}
      <Text size="xs" c="dimmed">
        Share of the held-out rows' tokens. PLOT is where HMI looks words up, with their neighbours, instead
        of computing the model's first layers. More text of this domain raises the upper bars.
      </Text>
    </Stack>
  );
}

function Background({ report }: { report: Report }) {
  const { rows } = report;
  return (
    <List size="sm" spacing={4}>
      <List.Item>
        {rows.train > 0
          ? `${formatCount(rows.train, "row")} to train, ${formatNumber(rows.validation)} to validate, ${formatNumber(rows.test)} held out.`
          : `Measured on ${formatCount(rows.test, "row")} that the domain's PLOT has not learnt. Whether whoever trained the adapter had held them out, nobody here can know.`}
      </List.Item>
      {rows.truncated > 0 && (
        <List.Item>
          {formatCount(rows.truncated, "row")} ({formatPercent(report.truncated_share)}) longer than the model
          reads: the rest of them was not used.
        </List.Item>
      )}
      {(rows.sharing_text ?? 0) > 0 && (
        <List.Item>
          {formatCount(rows.sharing_text ?? 0, "held-out row")} have a text that stands in so many rows that
          it was trained on, too: the figures may be a little too good.
        </List.Item>
      )}
      {report.stopped_early && !report.recipe && (
        <List.Item>Stopped early: more steps brought no gain.</List.Item>
      )}
      <List.Item>
        Adapter and head {formatBytes(report.adapter_bytes)}, PLOT of the domain{" "}
        {formatBytes(report.plot_bytes)}.
      </List.Item>
      {Object.entries(report.left_out ?? {})
        .filter(([field]) => !saidElsewhere.includes(field))
        .map(([field, why]) => (
          <List.Item key={field}>{why}</List.Item>
        ))}
      {report.private_share !== undefined && <List.Item>{privacyWords(report.private_share)}</List.Item>}
    </List>
  );
}

/** What of the data others could meet in PLOT. */
function privacyWords(share: number): string {
  return share === 1
    ? "None of the data's n-grams are in a part of PLOT where other tenants look up."
    : `${formatPercent(share)} of the data's n-grams are private: no part of PLOT where other tenants look up has learnt them of it.`;
}
