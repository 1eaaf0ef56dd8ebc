/** What stands round the pages of a tenant: head, navigation, notices. */

import { AppShell, Burger, Group, NavLink, ScrollArea, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import {
  IconBinaryTree,
  IconChartBar,
  IconDatabase,
  IconHome,
  IconHistory,
  IconKey,
  IconSettings,
  IconStack2,
  IconUsers,
  IconWebhook,
} from "@tabler/icons-react";
import { Link, Outlet, useLocation, useNavigate, useParams } from "react-router";

import { TenantSwitch } from "@/features/tenants/components/TenantSwitch";

import { AccountMenu } from "./AccountMenu";
import { Brand } from "./Brand";
import { OfflineNotice } from "./OfflineNotice";
import { NotFoundPage } from "./pages/NotFoundPage";
import { paths } from "./paths";
import { useSignedIn } from "./SignedIn";

export function Frame() {
  const me = useSignedIn();
  const { tenant = "" } = useParams();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const [isOpen, { toggle, close }] = useDisclosure(false);

  const isMember = me.memberships.some((membership) => membership.tenant.slug === tenant);
  if (!isMember) {
    return (
      <main>
        <NotFoundPage />
      </main>
    );
  }

  const links = [
    { to: paths.overview(tenant), label: "Overview", icon: IconHome, isExact: true },
    { to: paths.tasks(tenant), label: "Tasks", icon: IconStack2, also: paths.newTask(tenant) },
    { to: paths.datasets(tenant), label: "Datasets", icon: IconDatabase },
    { to: paths.domains(tenant), label: "Domains", icon: IconBinaryTree },
    { to: paths.usage(tenant), label: "Usage", icon: IconChartBar },
    { to: paths.keys(tenant), label: "API keys", icon: IconKey },
    { to: paths.webhooks(tenant), label: "Webhooks", icon: IconWebhook },
    { to: paths.members(tenant), label: "Members", icon: IconUsers },
    { to: paths.audit(tenant), label: "Audit log", icon: IconHistory },
    { to: paths.settings(tenant), label: "Settings", icon: IconSettings, also: paths.deletions(tenant) },
  ];
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding={{ base: "md", sm: "lg" }}
    >
      <a className="skip-link" href="#main">
        Go to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={isOpen ? "Close the navigation" : "Open the navigation"}
            />
            <Brand />
          </Group>
          <AccountMenu user={me.user} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="md" aria-label="Main navigation">
        <AppShell.Section mb="md">
          <TenantSwitch
            memberships={me.memberships}
            current={tenant}
            onSwitch={(slug) => {
              close();
              void navigate(paths.overview(slug));
            }}
            onNew={() => void navigate(paths.newTenant)}
          />
        </AppShell.Section>
        <AppShell.Section grow component={ScrollArea}>
          <Stack gap={4}>
            {links.map(({ to, label, icon: Icon, also, isExact }) => {
              const isCurrent =
                pathname === to ||
                (!isExact && pathname.startsWith(`${to}/`)) ||
                (also !== undefined && pathname.startsWith(also));
              return (
                <NavLink
                  key={to}
                  component={Link}
                  to={to}
                  label={label}
                  leftSection={<Icon size={18} aria-hidden />}
                  active={isCurrent}
                  {...(isCurrent && { "aria-current": "page" as const })}
                  onClick={close}
                />
              );
            })}
          </Stack>
        </AppShell.Section>
        <AppShell.Section>
          <NavLink component="a" href="/api/v1/docs" label="API reference" />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} style={{ outline: "none" }}>
        <OfflineNotice />
        <Stack gap="lg" maw={1280} mx="auto">
          {/* Of another task or tenant nothing stays: no figures while its own come, nothing that was typed. */}
          <Outlet key={pathname} context={me} />
        </Stack>
      </AppShell.Main>
    </AppShell>
  );
}
