/** Makes a tenant: the first one of a new person, or one more. */

import { Center, Group, Paper, Stack } from "@mantine/core";

import { PageHeader } from "@/components/ui/PageHeader";
import { NewTenantForm } from "@/features/tenants/components/NewTenantForm";
import { usePageTitle } from "@/lib/page-title";

import { AccountMenu } from "../AccountMenu";
import { Brand } from "../Brand";
import { paths } from "../paths";
import { useSignedIn } from "../SignedIn";
import { useLeadOn } from "../use-lead-on";

export function NewTenantPage() {
  usePageTitle("New tenant");
  const leadOn = useLeadOn();
  const { user, memberships } = useSignedIn();
  const [first] = memberships;
  return (
    <>
      <Group component="header" justify="space-between" p="sm" px="md">
        <Brand />
        <AccountMenu user={user} />
      </Group>
      <Center p="md" pt={60} component="main">
        <Stack w="100%" maw={480}>
          <PageHeader
            title="New tenant"
            description={
              first
                ? "One more place for tasks, data and keys."
                : "Where your tasks, data and keys will live."
            }
            trail={
              first ? [{ label: `Back to ${first.tenant.name}`, to: paths.overview(first.tenant.slug) }] : []
            }
          />
          <Paper withBorder p="lg" radius="md">
            <NewTenantForm onCreated={({ slug }) => leadOn(paths.overview(slug))} />
          </Paper>
        </Stack>
      </Center>
    </>
  );
}
