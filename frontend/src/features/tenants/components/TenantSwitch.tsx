/** Chooses among the tenants of which the person is a member. */

import { NativeSelect } from "@mantine/core";

import type { Membership } from "@/lib/types";

const newTenant = "+new";

interface Props {
  memberships: Membership[];
  current: string;
  onSwitch: (slug: string) => void;
  onNew: () => void;
}

export function TenantSwitch({ memberships, current, onSwitch, onNew }: Props) {
  return (
    <NativeSelect
      label="Tenant"
      value={current}
      onChange={(event) => {
        const { value } = event.currentTarget;
        if (value === newTenant) onNew();
        else onSwitch(value);
      }}
      data={[
        ...memberships.map(({ tenant }) => ({ value: tenant.slug, label: tenant.name })),
        { value: newTenant, label: "New tenant …" },
      ]}
    />
  );
}
