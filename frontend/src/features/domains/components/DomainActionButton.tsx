/** Asks before something is done to a whole domain, in words that say what follows. */

import { type ButtonProps, Text } from "@mantine/core";

import { ConfirmButton } from "@/components/ui/ConfirmButton";

interface Props {
  action: { error: Error | null; isPending: boolean; mutateAsync: () => Promise<unknown> };
  label: string;
  ariaLabel?: string;
  title: string;
  confirmLabel: string;
  disabled: boolean;
  variant?: NonNullable<ButtonProps["variant"]>;
  children: string;
}

export function DomainActionButton({ action, children, ...words }: Props) {
  return (
    <ConfirmButton
      size="xs"
      confirmColor="teal"
      error={action.error}
      isPending={action.isPending}
      onConfirm={() => action.mutateAsync()}
      {...words}
    >
      <Text size="sm">{children}</Text>
    </ConfirmButton>
  );
}
