/** Invites a person by e-mail address with a role. */

import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";

import { useInvite } from "../api/invite";
import { roles } from "../roles";

export function InviteForm({ tenant }: { tenant: string }) {
  const invite = useInvite(tenant);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("developer");
  const chosen = roles.find(({ value }) => value === role);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (chosen)
      afterChange(invite.mutateAsync({ email: email.trim(), role: chosen.value }), () => setEmail(""));
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {invite.isError && <ErrorNotice error={invite.error} title="Nobody was invited" />}
        <Group align="flex-end" gap="sm">
          <TextInput
            label="E-mail address"
            type="email"
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            required
            withAsterisk={false}
            miw={{ base: "100%", xs: 280 }}
          />
          <NativeSelect
            label="Role"
            value={role}
            onChange={(event) => setRole(event.currentTarget.value)}
            data={roles.map(({ value, label }) => ({ value, label }))}
          />
          <Button type="submit" loading={invite.isPending}>
            Invite
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          {chosen && `A ${chosen.label.toLowerCase()} ${chosen.words}.`}
        </Text>
      </Stack>
    </form>
  );
}
