/** Asks how a version shall be tried beside the one that serves, and starts it. */

import { Button, Checkbox, Group, Modal, NativeSelect, Radio, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type SubmitEvent, useState } from "react";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";

import { useStartTrial } from "../api/start-trial";

const canaryShares = ["0.01", "0.05", "0.1", "0.25", "0.5"];

interface Props {
  tenant: string;
  task: string;
  version: number;
}

export function StartTrialButton({ tenant, task, version }: Props) {
  const start = useStartTrial(tenant, task);
  const [isOpen, { open, close }] = useDisclosure(false);
  const [kind, setKind] = useState("shadow");
  const [share, setShare] = useState("0.1");
  const [isAutomatic, setIsAutomatic] = useState(true);
  const isCanary = kind === "canary";
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const trial = isCanary
      ? { version, kind: "canary" as const, share: Number(share), isAutomatic }
      : { version, kind: "shadow" as const, share: 1, isAutomatic: false };
    afterChange(start.mutateAsync(trial), close);
  };
  return (
    <>
      <Button
        size="xs"
        variant="default"
        onClick={open}
        aria-haspopup="dialog"
        aria-label={`Try beside: version ${version}`}
      >
        Try beside
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Try version ${version} beside what serves`} centered>
        <form onSubmit={submit}>
          <Stack>
            {start.isError && <ErrorNotice error={start.error} title="The trial was not started" />}
            <Radio.Group label="How" value={kind} onChange={setKind}>
              <Stack gap="xs" mt={6}>
                <Radio
                  value="shadow"
                  label="Shadow"
                  description="It is asked everything too, and its answers are only compared."
                />
                <Radio
                  value="canary"
                  label="Canary"
                  description="It answers a share of the requests of your applications."
                />
              </Stack>
            </Radio.Group>
            {isCanary && (
              <>
                <NativeSelect
                  label="Share of the requests"
                  value={share}
                  onChange={(event) => setShare(event.currentTarget.value)}
                  data={canaryShares.map((value) => ({ value, label: `${Number(value) * 100}%` }))}
                />
                <Checkbox
                  label="Carry the verdict out by itself"
                  description="Promotes or rolls back once enough texts have been compared."
                  checked={isAutomatic}
                  onChange={(event) => setIsAutomatic(event.currentTarget.checked)}
                />
              </>
            )}
            <Group justify="flex-end">
              <Button type="submit" loading={start.isPending}>
                Start the trial
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
