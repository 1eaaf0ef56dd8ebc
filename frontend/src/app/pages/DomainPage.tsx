/** One domain: its trees and what each changed, its updates and what the gate said, consents. */

import { SimpleGrid, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useAllDatasets } from "@/features/datasets/api/get-all-datasets";
import { useContributions } from "@/features/domains/api/get-contributions";
import { useDomains } from "@/features/domains/api/get-domains";
import { useTrees } from "@/features/domains/api/get-trees";
import { isUnderWay, useUpdates } from "@/features/domains/api/get-updates";
import { BringBackButton } from "@/features/domains/components/BringBackButton";
import { ContributionSection } from "@/features/domains/components/ContributionSection";
import { GateConsentSwitch } from "@/features/domains/components/GateConsentSwitch";
import { TreeList } from "@/features/domains/components/TreeList";
import { UpdateButton } from "@/features/domains/components/UpdateButton";
import { UpdateList } from "@/features/domains/components/UpdateList";
import { useAllTasks } from "@/features/tasks/api/get-all-tasks";
import { usePageTitle } from "@/lib/page-title";
import type { Domain, Task } from "@/lib/types";

import { PageView } from "../PageView";
import { paths } from "../paths";
import { useLeadOn } from "../use-lead-on";
import { useParam } from "../use-params";
import { useRole } from "../use-role";
import { NotFoundPage } from "./NotFoundPage";

export function DomainPage() {
  const tenant = useParam("tenant");
  const slug = useParam("domain");
  const domains = useDomains(tenant);
  return (
    <PageView query={domains}>
      {({ results }) => {
        const domain = results.find((each) => each.slug === slug);
        return domain ? <Loaded tenant={tenant} domain={domain} /> : <NotFoundPage />;
      }}
    </PageView>
  );
}

function Loaded({ tenant, domain }: { tenant: string; domain: Domain }) {
  usePageTitle(domain.name);
  const tasks = useAllTasks(tenant);
  const known = tasks.data ?? [];
  return (
    <>
      <PageHeader
        title={domain.name}
        description={
          domain.is_shared
            ? "Shared by tenants; the operator updates it."
            : `Your own, below ${domain.parent_domain ?? "general text"}.`
        }
        trail={[{ label: "Domains", to: paths.domains(tenant) }]}
      />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: "start" }}>
        <Stack gap="lg" miw={0}>
          {domain.is_shared ? (
            <Contributions tenant={tenant} domain={domain} />
          ) : (
            <>
              <Updates tenant={tenant} domain={domain} tasks={known} />
              <Consents tenant={tenant} tasks={known.filter((task) => task.domain === domain.slug)} />
            </>
          )}
        </Stack>
        <Trees tenant={tenant} domain={domain} />
      </SimpleGrid>
    </>
  );
}

function Trees({ tenant, domain }: { tenant: string; domain: Domain }) {
  const [page, setPage] = useState(1);
  const trees = useTrees(tenant, domain.slug, page);
  return (
    <Section title="Trees" description="Each is what the domain had learnt at one time.">
      <QueryView query={trees} height={200}>
        {(list) =>
          list.count === 0 ? (
            <Text size="sm">None yet: the first comes with the first training of a task in this domain.</Text>
          ) : (
            <Stack>
              <TreeList trees={list.results} />
              <ListPages list={list} page={page} onChange={setPage} />
            </Stack>
          )
        }
      </QueryView>
    </Section>
  );
}

function Updates({ tenant, domain, tasks }: { tenant: string; domain: Domain; tasks: Task[] }) {
  const { canWrite } = useRole(tenant);
  const [page, setPage] = useState(1);
  const updates = useUpdates(tenant, domain.slug, page);
  const isBusy = updates.data?.results.some(isUnderWay) ?? true;
  const hasUpdates = updates.data?.results.some(({ state }) => state === "succeeded") ?? false;
  return (
    <Section
      title="Updates"
      description="An update makes the domain's tree anew from all its text, and tries it on your tasks first."
      actions={
        canWrite && (
          <>
            {hasUpdates && <BringBackButton tenant={tenant} domain={domain.slug} disabled={isBusy} />}
            <UpdateButton tenant={tenant} domain={domain.slug} disabled={isBusy} />
          </>
        )
      }
    >
      <QueryView query={updates} height={120}>
        {(list) =>
          list.count === 0 ? (
            <Text size="sm">
              None yet. Trainings add their text by themselves; update after several of them.
            </Text>
          ) : (
            <Stack>
              <UpdateList
                updates={list.results}
                taskNameOf={(id) => tasks.find((task) => task.id === id)?.name ?? "a deleted task"}
              />
              <ListPages list={list} page={page} onChange={setPage} />
            </Stack>
          )
        }
      </QueryView>
    </Section>
  );
}

function Consents({ tenant, tasks }: { tenant: string; tasks: Task[] }) {
  const { canWrite } = useRole(tenant);
  if (tasks.length === 0) return null;
  return (
    <Section
      title="May held-out rows try new trees?"
      description="Where you allow it, up to 200 held-out rows of the task are answered with the new tree before it serves."
    >
      <Stack gap="sm">
        {tasks.map(({ slug, name }) => (
          <GateConsentSwitch key={slug} tenant={tenant} task={slug} name={name} disabled={!canWrite} />
        ))}
      </Stack>
    </Section>
  );
}

function Contributions({ tenant, domain }: { tenant: string; domain: Domain }) {
  const { isOwner } = useRole(tenant);
  const contributions = useContributions(tenant);
  const datasets = useAllDatasets(tenant);
  const leadOn = useLeadOn();
  return (
    <Section title="What you contribute" description="Off unless an owner says so.">
      <QueryView query={contributions} height={120}>
        {({ results }) => (
          <ContributionSection
            tenant={tenant}
            domain={domain}
            contributions={results.filter((each) => each.domain === domain.slug)}
            datasets={datasets.data ?? []}
            canChange={isOwner}
            onRevoked={(id) => leadOn(`${paths.deletions(tenant)}#${id}`)}
          />
        )}
      </QueryView>
    </Section>
  );
}
