/** What was asked for is done, and what comes next. */

import { Alert } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface Props {
  title: string;
  icon?: ReactNode;
  children: ReactNode;
}

export function DoneNotice({ title, icon = <IconCircleCheck aria-hidden />, children }: Props) {
  return (
    <Alert color="teal" variant="light" icon={icon} title={title} role="status">
      {children}
    </Alert>
  );
}
