/** A tenant's own page: what it is called, and its end. */

import { Anchor, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";

import { CopyField } from "@/components/ui/CopyField";
import { PageHeader } from "@/components/ui/PageHeader";
import { Section } from "@/components/ui/Section";
import { ForgetTenant } from "@/features/tenants/components/ForgetTenant";
import { formatDate } from "@/lib/format";
import { usePageTitle } from "@/lib/page-title";
import { queryKeys } from "@/lib/query-keys";
import type { Deletion } from "@/lib/types";

import { paths } from "../paths";
import { useSignedIn } from "../SignedIn";
import { useLeadOn } from "../use-lead-on";
import { useParam } from "../use-params";

export function SettingsPage() {
  usePageTitle("Settings");
  const tenant = useParam("tenant");
  const client = useQueryClient();
  const leadOn = useLeadOn();
  const place = useSignedIn().memberships.find((membership) => membership.tenant.slug === tenant);
  const leave = ({ id }: Deletion) => {
    notifications.show({
      color: "teal",
      title: `${place?.tenant.name ?? tenant} was deleted`,
      message: `The receipt has the number ${id}. Its text is being forgotten; the operator has the rest of the receipt.`,
      autoClose: false,
    });
    leadOn("/");
    void client.invalidateQueries({ queryKey: queryKeys.me });
  };
  return (
    <>
      <PageHeader title="Settings" />
      <Section
        title={place?.tenant.name ?? tenant}
        description={place && `Made ${formatDate(place.tenant.created_at)}. You are its ${place.role}.`}
      >
        <CopyField label="Its name in addresses and in the API" value={tenant} />
        <Text size="sm" mt="md">
          What was deleted so far stands, with receipts, under{" "}
          <Anchor component={Link} to={paths.deletions(tenant)} inherit underline="always">
            Deletions
          </Anchor>
          .
        </Text>
      </Section>
      <Section title="The end" description="Only an owner can delete a tenant.">
        <Group>
          {place?.role === "owner" ? (
            <ForgetTenant tenant={tenant} onForgotten={leave} />
          ) : (
            <Text size="sm">Ask an owner of this tenant.</Text>
          )}
        </Group>
      </Section>
    </>
  );
}
