/** Deploys a version, or goes back to an older one after asking. */

import { Button, Text, type ButtonProps } from "@mantine/core";
import { notifications } from "@mantine/notifications";

import { ConfirmButton } from "@/components/ui/ConfirmButton";

import { useDeployVersion } from "../api/deploy-version";

interface Props {
  tenant: string;
  task: string;
  version: number;
  deployedVersion: number | null;
  size?: ButtonProps["size"];
}

export function DeployButton({ tenant, task, version, deployedVersion, size = "sm" }: Props) {
  const deploy = useDeployVersion(tenant, task);
  const announce = () =>
    notifications.show({
      color: "teal",
      title: `Version ${version} serves now`,
      message: "Applications get its answers from the next call on.",
    });

  if (deployedVersion === null) {
    return (
      <Button
        size={size}
        loading={deploy.isPending}
        onClick={() =>
          // The promise, not mutate()'s callbacks: this button goes as soon as its version serves.
          void deploy.mutateAsync(version).then(announce, (error: unknown) =>
            notifications.show({
              color: "red",
              title: "The version was not deployed",
              message: error instanceof Error ? error.message : String(error),
            }),
          )
        }
      >
        Deploy version {version}
      </Button>
    );
  }
  // Applications depend on the answers of what serves now: replacing it is asked for twice.
  const isOlder = version < deployedVersion;
  return (
    <ConfirmButton
      size={size}
      label={isOlder ? `Roll back to version ${version}` : `Deploy version ${version}`}
      title={isOlder ? `Roll back to version ${version}?` : `Deploy version ${version}?`}
      confirmLabel={isOlder ? "Roll back" : "Deploy"}
      confirmColor="teal"
      error={deploy.error}
      isPending={deploy.isPending}
      onConfirm={() => deploy.mutateAsync(version).then(announce)}
    >
      <Text size="sm">
        Applications that call this task get the answers of version {version} instead of version{" "}
        {deployedVersion} at once. You can go back in the same way.
      </Text>
    </ConfirmButton>
  );
}
