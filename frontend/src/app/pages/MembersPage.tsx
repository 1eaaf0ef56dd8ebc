/** The people of a tenant, and those who were invited. */

import { useState } from "react";

import { ListPages } from "@/components/ui/ListPages";
import { PageHeader } from "@/components/ui/PageHeader";
import { QueryView } from "@/components/ui/QueryView";
import { Section } from "@/components/ui/Section";
import { useInvitations } from "@/features/members/api/get-invitations";
import { useMembers } from "@/features/members/api/get-members";
import { InvitationTable } from "@/features/members/components/InvitationTable";
import { InviteForm } from "@/features/members/components/InviteForm";
import { LeaveButton } from "@/features/members/components/LeaveButton";
import { MemberTable } from "@/features/members/components/MemberTable";
import { usePageTitle } from "@/lib/page-title";

import { useLeadOn } from "../use-lead-on";
import { useParam } from "../use-params";
import { useRole } from "../use-role";

export function MembersPage() {
  usePageTitle("Members");
  const tenant = useParam("tenant");
  const { isOwner } = useRole(tenant);
  const leadOn = useLeadOn();
  const [page, setPage] = useState(1);
  const members = useMembers(tenant, page);
  return (
    <>
      <PageHeader
        title="Members"
        description="Who sees this tenant, and what they may do."
        actions={<LeaveButton tenant={tenant} onLeft={() => leadOn("/")} />}
      />
      {isOwner && (
        <Section
          title="Invite a person"
          description="They get a mail with a link that is valid for seven days."
        >
          <InviteForm tenant={tenant} />
        </Section>
      )}
      {isOwner && <Invitations tenant={tenant} />}
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

function Invitations({ tenant }: { tenant: string }) {
  const invitations = useInvitations(tenant);
  return (
    <QueryView query={invitations} height={0}>
      {({ results }) =>
        results.length > 0 && (
          <Section title="Waiting to be accepted">
            <InvitationTable tenant={tenant} invitations={results} />
          </Section>
        )
      }
    </QueryView>
  );
}
