/** A report whose rows can be set right in place, and the training that learns from it. */

import { notifications } from "@mantine/notifications";

import { paths } from "@/app/paths";
import { useLeadOn } from "@/app/use-lead-on";
import { CorrectionBar } from "@/features/corrections/components/CorrectionBar";
import { useCorrections } from "@/features/corrections/corrections";
import { ReportSummary } from "@/features/versions/components/ReportSummary";
import { readReport } from "@/features/versions/report";
import { afterChange } from "@/lib/after-change";
import type { Version } from "@/lib/types";

import { useRetrain } from "./use-retrain";

interface Props {
  tenant: string;
  task: string;
  version: Version;
  /** The one that the version was trained on. */
  dataset: string;
}

export function CorrectableReport({ tenant, task, version, dataset }: Props) {
  const corrections = useCorrections(tenant, dataset);
  const retrain = useRetrain(tenant, task);
  const leadOn = useLeadOn();
  const report = readReport(version.report);
  const decisions = { ...corrections, labels: report && "labels" in report ? report.labels : [] };
  const start = () => {
    const sent = corrections.all;
    afterChange(retrain.mutateAsync({ version, corrections: sent }), (training) => {
      corrections.settle(sent);
      notifications.show({
        title: "It learns from the corrected data",
        message: "To undo, train on the earlier version of the data, which is still there.",
      });
      leadOn(paths.training(tenant, task, training.id));
    });
  };
  return (
    <>
      <ReportSummary tenant={tenant} report={version.report} dataset={dataset} decisions={decisions} />
      <CorrectionBar
        corrections={corrections.all}
        error={retrain.error}
        isPending={retrain.isPending}
        onClear={() => {
          corrections.clear();
          retrain.reset();
        }}
        onRetrain={start}
      />
    </>
  );
}
