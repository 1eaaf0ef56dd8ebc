/** The kinds of text: a tenant's own domains and the shared ones. */

import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useDomains } from "@/features/domains/api/get-domains";
import { DomainTable } from "@/features/domains/components/DomainTable";
import { useAllTasks } from "@/features/tasks/api/get-all-tasks";
import { usePageTitle } from "@/lib/page-title";

import { paths } from "../paths";
import { useParam } from "../use-params";

export function DomainsPage() {
  usePageTitle("Domains");
  const tenant = useParam("tenant");
  const domains = useDomains(tenant);
  const tasks = useAllTasks(tenant);
  return (
    <>
      <PageHeader
        title="Domains"
        description="A domain is what HMI has learnt of one kind of text. A task reads its own domain, those above it, and general text."
      />
      <QueryView query={domains}>
        {({ results }) => (
          <Section title="Domains you can use">
            <DomainTable
              domains={results}
              numTasksOf={({ slug }) => (tasks.data ?? []).filter(({ domain }) => domain === slug).length}
              hrefOf={({ slug }) => paths.domain(tenant, slug)}
            />
          </Section>
        )}
      </QueryView>
    </>
  );
}
