/** The audit log of a tenant. */

import { Group, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { type ChangeEvent, useState } from "react";

import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useAudit } from "@/features/audit/api/get-audit";
import { AuditTable } from "@/features/audit/components/AuditTable";
import { usePageTitle } from "@/lib/page-title";

import { useParam } from "../use-params";

const typingMs = 300;

export function AuditPage() {
  usePageTitle("Audit log");
  const tenant = useParam("tenant");
  const [actor, setActor] = useState("");
  const [action, setAction] = useState("");
  const [page, setPage] = useState(1);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [filter] = useDebouncedValue([actor.trim(), action.trim(), from, to].join("\n"), typingMs);
  const [askedActor = "", askedAction = "", askedFrom = "", askedTo = ""] = filter.split("\n");
  const audit = useAudit(
    tenant,
    { actor: askedActor, action: askedAction, from: askedFrom, to: askedTo },
    page,
  );
  const narrowing = (change: (value: string) => void) => (event: ChangeEvent<HTMLInputElement>) => {
    change(event.currentTarget.value);
    setPage(1);
  };
  return (
    <>
      <PageHeader title="Audit log" description="Every change, who made it and when." />
      <Group>
        <TextInput
          label="Who"
          placeholder="part of an e-mail address"
          value={actor}
          onChange={narrowing(setActor)}
        />
        <TextInput
          label="What"
          placeholder="for instance task"
          value={action}
          onChange={narrowing(setAction)}
        />
        <TextInput label="From" type="date" max={to} value={from} onChange={narrowing(setFrom)} />
        <TextInput label="To" type="date" min={from} value={to} onChange={narrowing(setTo)} />
      </Group>
      <QueryView query={audit} height={400}>
        {(list) => (
          <Section title="Changes">
            {list.count === 0 ? (
              <Text size="sm">
                Nothing was changed by these words in these days. Clear a field to see more.
              </Text>
            ) : (
              <AuditTable entries={list.results} />
            )}
            <ListPages list={list} page={page} onChange={setPage} />
          </Section>
        )}
      </QueryView>
    </>
  );
}
