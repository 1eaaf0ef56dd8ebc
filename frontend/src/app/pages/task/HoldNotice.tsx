/** Says that what serves stays on an older tree of its domain, until when, what leaving it costs, and what to do. */

import { Alert, Anchor, Code, Stack, Text } from "@mantine/core";
import { IconClockPause } from "@tabler/icons-react";
import { Link } from "react-router";

import { paths } from "@/app/paths";
import { figureTitle, formatFigure } from "@/lib/figures";
import { formatAgo, formatCount, formatDate } from "@/lib/format";
import type { Task, TaskHold } from "@/lib/types";

import { goToTraining } from "./to-training";

interface Props {
  tenant: string;
  task: Task;
  hold: TaskHold;
  /** The page has where a training is started. */
  canTrain: boolean;
}

const reasons: Record<TaskHold["reason"], string> = {
  loses: "The domain has a newer tree, and this task's held-out rows are answered worse with it.",
  untried: "The domain has a newer tree, and it could not be tried on this task.",
  brought_back: "The domain's tasks were sent back to the tree before the newest one.",
};

export function HoldNotice({ tenant, task, hold, canTrain }: Props) {
  return (
    <Alert
      color="yellow"
      variant="light"
      role="status"
      icon={<IconClockPause aria-hidden />}
      title={`It stays on an older tree until ${formatDate(hold.until)}`}
    >
      <Stack gap="xs">
        <Text size="sm">
          {reasons[hold.reason]} Since {formatAgo(hold.since)}. At the latest then it moves to the newest tree
          by itself, whatever that does to its answers.
        </Text>
        <Figures hold={hold} />
        <Text size="sm">
          {canTrain ? (
            <>
              <Anchor component="button" type="button" size="sm" onClick={goToTraining}>
                Train a new version
              </Anchor>
              : it learns on the newest tree. Once it is deployed, nothing changes when this one&apos;s time
              is over.
            </>
          ) : (
            "A version that is trained now learns on the newest tree; deploy that before the time is over."
          )}
        </Text>
        {hold.reason === "untried" && (
          <Text size="sm">
            Held-out rows can try new trees before they serve:{" "}
            <Anchor component={Link} to={paths.domain(tenant, task.domain)} inherit underline="always">
              allow it in the domain
            </Anchor>
            .
          </Text>
        )}
      </Stack>
    </Alert>
  );
}

function Figures({ hold }: { hold: TaskHold }) {
  const { metric, accuracy_old: old, accuracy_new: newer, num_rows } = hold;
  const trees = (
    <>
      It serves on tree <Code>{short(hold.old_tree)}</Code> and moves to <Code>{short(hold.new_tree)}</Code>.
    </>
  );
  if (metric === null || old === null || newer === null) return <Text size="sm">{trees}</Text>;
  return (
    <Text size="sm">
      {trees} {figureTitle(metric)} on {formatCount(num_rows, "held-out row")}: {formatFigure(metric, old)} on
      the one, {formatFigure(metric, newer)} on the other.
    </Text>
  );
}

function short(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}
