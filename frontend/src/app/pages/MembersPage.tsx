/** The people of a tenant. */

import { useState } from "react";

import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useMembers } from "@/features/members/api/get-members";
import { AddMemberForm } from "@/features/members/components/AddMemberForm";
import { MemberTable } from "@/features/members/components/MemberTable";
import { usePageTitle } from "@/lib/page-title";

import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function MembersPage() {
  usePageTitle("Members");
  const tenant = useParam("tenant");
  const { isOwner } = useRole(tenant);
  const [page, setPage] = useState(1);
  const members = useMembers(tenant, page);
  return (
    <>
      <PageHeader title="Members" description="Who sees this tenant, and what they may do." />
      {isOwner && (
        <Section title="Add a person" description="They need an account on this installation.">
          <AddMemberForm tenant={tenant} />
        </Section>
      )}
      <QueryView query={members}>
        {(list) => (
          <Section title="People">
            <MemberTable tenant={tenant} members={list.results} canRemove={isOwner} />
            <ListPages list={list} page={page} onChange={setPage} />
          </Section>
        )}
      </QueryView>
    </>
  );
}
