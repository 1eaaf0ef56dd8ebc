/** Step 5: try it, and what comes next. */

import { Alert, Button, Group } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { Link } from "react-router";

import { Playground } from "@/features/playground/components/Playground";
import type { Task } from "@/lib/types";

import { paths } from "@/app/paths";

export function TryStep({ tenant, task }: { tenant: string; task: Task }) {
  return (
    <>
      <Alert
        color="teal"
        variant="light"
        icon={<IconCircleCheck aria-hidden />}
        title={`Version ${task.deployment?.version ?? ""} serves`}
      >
        Try a text. Your application calls it in the same way, with an API key.
        <Group mt="sm">
          <Button component={Link} to={paths.keys(tenant)} variant="default">
            Create an API key
          </Button>
        </Group>
      </Alert>
      <Playground tenant={tenant} task={task.slug} kind={task.kind} />
    </>
  );
}
