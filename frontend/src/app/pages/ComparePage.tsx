/** Two versions of a task side by side. Which ones stands in the address. */

import { Alert, Group, NativeSelect, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconColumns2 } from "@tabler/icons-react";
import { useSearchParams } from "react-router";

import { EmptyState } from "@/components/ui/EmptyState";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { DeployButton } from "@/features/deployments/components/DeployButton";
import { useTask } from "@/features/tasks/api/get-task";
import { useVersion } from "@/features/versions/api/get-version";
import { useVersions } from "@/features/versions/api/get-versions";
import { comparedFigures, comparedLabels, couldBeChance } from "@/features/versions/comparison";
import { ComparisonTable } from "@/features/versions/components/ComparisonTable";
import { hasOneLabel, headlineOf, readReport, type Report } from "@/features/versions/report";
import { usePageTitle } from "@/lib/page-title";
import type { Version } from "@/lib/types";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function ComparePage() {
  const tenant = useParam("tenant");
  const slug = useParam("task");
  const task = useTask(tenant, slug);
  const versions = useVersions(tenant, slug);
  const name = task.data?.name ?? slug;
  usePageTitle(`Compare versions of ${name}`);
  return (
    <>
      <PageHeader
        title="Compare versions"
        trail={[
          { label: "Tasks", to: paths.tasks(tenant) },
          { label: name, to: paths.task(tenant, slug) },
        ]}
      />
      <PageView query={versions}>
        {({ results }) =>
          results.length < 2 ? (
            <EmptyState icon={<IconColumns2 />} title="There is only one version">
              Train again, with more or better examples, and compare the new version with this one.
            </EmptyState>
          ) : (
            <Chosen tenant={tenant} task={slug} numbers={results.map(({ number }) => number)} />
          )
        }
      </PageView>
    </>
  );
}

function Chosen({ tenant, task, numbers }: { tenant: string; task: string; numbers: number[] }) {
  const [address, setAddress] = useSearchParams();
  const [newest = 1, before = 1] = numbers;
  const asked = address.get("versions")?.split(",").map(Number) ?? [];
  const one = asked[0] ?? before;
  const other = asked[1] ?? newest;
  const choose = (first: number, second: number) =>
    setAddress({ versions: `${first},${second}` }, { replace: true });
  const options = [...new Set([...numbers, one, other])]
    .sort((a, b) => b - a)
    .map((number) => ({ value: String(number), label: `Version ${number}` }));
  return (
    <>
      <Group gap="md" align="flex-end">
        <NativeSelect
          label="Compare"
          value={String(one)}
          onChange={(event) => choose(Number(event.currentTarget.value), other)}
          data={options}
        />
        <NativeSelect
          label="with"
          value={String(other)}
          onChange={(event) => choose(one, Number(event.currentTarget.value))}
          data={options}
        />
      </Group>
      <Compared key={`${one} ${other}`} tenant={tenant} task={task} one={one} other={other} />
    </>
  );
}

function Compared({
  tenant,
  task,
  one,
  other,
}: {
  tenant: string;
  task: string;
  one: number;
  other: number;
}) {
  const first = useVersion(tenant, task, one);
  const second = useVersion(tenant, task, other);
  return (
    <QueryView query={first} height={420}>
      {(left) => (
        <QueryView query={second} height={420}>
          {(right) => <SideBySide tenant={tenant} task={task} one={left} other={right} />}
        </QueryView>
      )}
    </QueryView>
  );
}

function SideBySide({
  tenant,
  task,
  one,
  other,
}: {
  tenant: string;
  task: string;
  one: Version;
  other: Version;
}) {
  const { canWrite } = useRole(tenant);
  const deployed = useTask(tenant, task).data?.deployment?.version ?? null;
  const [left, right] = [readReport(one.report), readReport(other.report)];
  if (!left || !right || headlineOf(left).name !== headlineOf(right).name) {
    return (
      <Alert color="yellow" variant="light" title="They cannot be compared">
        One of them has no report, or one in a format that this dashboard does not know.
      </Alert>
    );
  }
  const labels = comparedLabels(left, right);
  const figure = hasOneLabel(left) ? "accuracies" : "headline figures";
  return (
    <Stack gap="lg">
      <Alert
        variant="light"
        color={couldBeChance(left, right) ? "yellow" : "teal"}
        title={verdict(one.number, left, other.number, right)}
      >
        <Text size="sm">
          {one.dataset !== other.dataset &&
            "They were trained on different datasets and measured on different held-out rows. "}
          {couldBeChance(left, right)
            ? `The 95% intervals of their ${figure} overlap: the difference may be chance.`
            : `The 95% intervals of their ${figure} do not overlap: the difference is real.`}
        </Text>
        {canWrite && (
          <Group mt="sm" gap="xs">
            {[one, other]
              .filter(({ number }) => number !== deployed)
              .map(({ number }) => (
                <DeployButton
                  key={number}
                  tenant={tenant}
                  task={task}
                  version={number}
                  deployedVersion={deployed}
                  size="xs"
                />
              ))}
          </Group>
        )}
      </Alert>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: "start" }}>
        <Section title="As a whole">
          <ComparisonTable
            title="Figure"
            figures={comparedFigures(left, right)}
            one={one.number}
            other={other.number}
          />
        </Section>
        {labels.length > 0 && (
          <Section title="F1 by label" description="The largest change first.">
            <ComparisonTable title="Label" figures={labels} one={one.number} other={other.number} />
          </Section>
        )}
      </SimpleGrid>
    </Stack>
  );
}

function verdict(one: number, left: Report, other: number, right: Report): string {
  const { name, value, format } = headlineOf(left);
  const change = headlineOf(right).value - value;
  const [better, worse] = change > 0 ? [other, one] : [one, other];
  if (!hasOneLabel(left)) {
    if (format(value) === format(value + change)) return `Versions ${one} and ${other} are as good`;
    return `Version ${better} is better than version ${worse}: ${name} ${format(Math.max(value, value + change))} against ${format(Math.min(value, value + change))}`;
  }
  const points = 100 * Math.abs(change);
  if (points < 0.05) return `Versions ${one} and ${other} are as accurate`;
  return `Version ${better} is ${points.toFixed(1)} points more accurate than version ${worse}`;
}
