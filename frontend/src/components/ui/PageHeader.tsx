/** The head of a page: where we are, what it is, what can be done. */

import { Anchor, Breadcrumbs, Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";

interface Props {
  title: string;
  description?: ReactNode;
  trail?: { label: string; to: string }[];
  actions?: ReactNode;
}

export function PageHeader({ title, description, trail = [], actions }: Props) {
  return (
    <header>
      {trail.length > 0 && (
        <Breadcrumbs
          mb={6}
          component="nav"
          aria-label="Breadcrumbs"
          styles={{
            root: { flexWrap: "wrap" },
            breadcrumb: { overflowWrap: "anywhere", whiteSpace: "normal" },
          }}
        >
          {trail.map(({ label, to }) => (
            <Anchor key={to} component={Link} to={to} size="sm">
              {label}
            </Anchor>
          ))}
        </Breadcrumbs>
      )}
      <Group justify="space-between" align="flex-start" gap="sm">
        {/* Names of files, columns and addresses may be of any length, without a blank. */}
        <div style={{ minWidth: 0, overflowWrap: "anywhere" }}>
          <Title order={1} size="h2">
            {title}
          </Title>
          {description && (
            <Text c="dimmed" component="div" mt={2}>
              {description}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
    </header>
  );
}
