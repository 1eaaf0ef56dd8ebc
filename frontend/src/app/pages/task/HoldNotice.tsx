/** Says that what serves stays on an older tree of its domain, until when, what leaving it costs, and what to do. */

import { Alert, Anchor, Code, Stack, Text } from "@mantine/core";
import { IconClockPause } from "@tabler/icons-react";
import { Link } from "react-router";

import { paths } from "@/app/paths";
import { formatAgo, formatCount, formatDate, formatPercent, formatValue } from "@/lib/format";
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
        <Figures hold={hold} isScore={task.kind === "score"} />
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

function Figures({ hold, isScore }: { hold: TaskHold; isScore: boolean }) {
  const { accuracy_old: old, accuracy_new: newer, num_rows } = hold;
  const trees = (
    <>
      It serves on tree <Code>{short(hold.old_tree)}</Code> and moves to <Code>{short(hold.new_tree)}</Code>.
    </>
  );
  if (old === null || newer === null) return <Text size="sm">{trees}</Text>;
  const rows = formatCount(num_rows, "held-out row");
  return (
    <Text size="sm">
      {trees}{" "}
      {isScore
        ? `Off on ${rows}: by ${formatValue(-old)} as a rule on the one, by ${formatValue(-newer)} on the other.`
        : `Right of ${rows}: ${formatPercent(old)} on the one, ${formatPercent(newer)} on the other.`}
    </Text>
  );
}

function short(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}
