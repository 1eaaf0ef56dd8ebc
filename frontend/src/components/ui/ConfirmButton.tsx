/** A button for what cannot be undone, or others depend on: asks first, in words that name the thing. */

import { Button, type ButtonProps, Group, Modal, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";

interface Props extends ButtonProps {
  label: string;
  title: string;
  children: ReactNode;
  confirmLabel: string;
  confirmColor?: string;
  error: Error | null;
  isPending: boolean;
  /** Called when the person agrees; resolves when it is done and the dialogue may close. */
  onConfirm: () => Promise<unknown>;
  /** Says what the button is about where several stand in a list. */
  ariaLabel?: string;
}

export function ConfirmButton({
  label,
  title,
  children,
  confirmLabel,
  confirmColor = "red",
  error,
  isPending,
  onConfirm,
  ariaLabel,
  ...buttonProps
}: Props) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const confirm = () => {
    // A refusal stays in the open dialogue through `error`.
    onConfirm().then(close, () => undefined);
  };
  return (
    <>
      <Button
        variant="default"
        {...buttonProps}
        onClick={open}
        aria-haspopup="dialog"
        {...(ariaLabel && { "aria-label": ariaLabel })}
      >
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={title} centered>
        <Stack>
          <div>{children}</div>
          {error && <ErrorNotice error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Leave as it is
            </Button>
            <Button color={confirmColor} onClick={confirm} loading={isPending}>
              {confirmLabel}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
