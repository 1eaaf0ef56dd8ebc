/** Who is signed in, colours, their account, operator console, signing out. */

import { Button, Menu, Text, useMantineColorScheme } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconChevronDown, IconLogout, IconSettings, IconUserCog } from "@tabler/icons-react";

import { Link, useNavigate } from "react-router";

import { useSignOut } from "@/features/auth/api/sign-out";
import type { Me } from "@/lib/types";

import { paths } from "./paths";

const schemes = [
  { value: "auto", label: "As the system" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
] as const;

export function AccountMenu({ user }: { user: Me["user"] }) {
  const signOut = useSignOut();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leave = () => {
    signOut.mutateAsync().then(
      () => void navigate(paths.signIn),
      (error: unknown) =>
        notifications.show({
          color: "red",
          title: "You are still signed in",
          message: error instanceof Error ? error.message : "Try again.",
        }),
    );
  };
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          c="inherit"
          rightSection={<IconChevronDown size={14} aria-hidden />}
          aria-label={`Account: ${user.email}`}
          maw={220}
        >
          <Text span size="sm" truncate>
            {user.name || user.email}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label style={{ overflowWrap: "anywhere" }}>{user.email}</Menu.Label>
        <Menu.Divider />
        <Menu.Label>Colours</Menu.Label>
        {schemes.map(({ value, label }) => (
          <Menu.Item
            key={value}
            role="menuitemradio"
            aria-checked={colorScheme === value}
            rightSection={colorScheme === value ? "✓" : null}
            onClick={() => setColorScheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item component={Link} to={paths.account} leftSection={<IconUserCog size={16} aria-hidden />}>
          Your account
        </Menu.Item>
        {user.is_staff && (
          <Menu.Item component="a" href="/admin/" leftSection={<IconSettings size={16} aria-hidden />}>
            Operator console
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={leave}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
