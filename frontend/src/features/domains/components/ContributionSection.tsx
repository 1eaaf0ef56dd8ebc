/** What a tenant gives to a shared domain: its consents, giving one, and taking one back. */

import { Alert, Badge, Button, Group, NativeSelect, Stack, Table, Text } from "@mantine/core";
import { type SubmitEvent, useState } from "react";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { afterChange } from "@/lib/after-change";
import { formatDate, formatPercent } from "@/lib/format";
import type { Contribution, Dataset, Domain } from "@/lib/types";

import { useGrantContribution } from "../api/grant-contribution";
import { useRevokeContribution } from "../api/revoke-contribution";
import { ListTable } from "@/components/ui/ListTable";

interface Props {
  tenant: string;
  domain: Domain;
  contributions: Contribution[];
  datasets: Dataset[];
  canChange: boolean;
  /** Called with the receipt's id when a consent has ended. */
  onRevoked: (deletion: string) => void;
}

export function ContributionSection({
  tenant,
  domain,
  contributions,
  datasets,
  canChange,
  onRevoked,
}: Props) {
  const nameOf = (id: string | null) =>
    datasets.find((dataset) => dataset.id === id)?.name ?? "a deleted dataset";
  return (
    <Stack>
      {contributions.length > 0 ? (
        <ListTable
          minWidth={520}
          columns={["Dataset", "Given", "Stayed private", { name: "Action", isHidden: true }]}
        >
          {contributions.map((each) => (
            <Table.Tr key={each.id}>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{nameOf(each.dataset)}</Table.Td>
              <Table.Td>
                {formatDate(each.granted_at)}
                {each.granted_by && ` by ${each.granted_by}`}
              </Table.Td>
              <Table.Td>{each.private_share === null ? "–" : formatPercent(each.private_share, 0)}</Table.Td>
              <Table.Td ta="right">
                {each.revoked_at !== null ? (
                  <Badge color="gray" variant="light" tt="none">
                    Ended {formatDate(each.revoked_at)}
                  </Badge>
                ) : (
                  canChange && (
                    <RevokeButton
                      tenant={tenant}
                      id={each.id}
                      dataset={nameOf(each.dataset)}
                      onRevoked={onRevoked}
                    />
                  )
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </ListTable>
      ) : (
        <Text size="sm">You contribute nothing to this domain.</Text>
      )}
      {canChange && <GrantForm tenant={tenant} domain={domain} datasets={datasets} given={contributions} />}
    </Stack>
  );
}

interface RevokeProps {
  tenant: string;
  id: string;
  dataset: string;
  onRevoked: (deletion: string) => void;
}

function RevokeButton({ tenant, id, dataset, onRevoked }: RevokeProps) {
  const revoke = useRevokeContribution(tenant, id);
  return (
    <ConfirmButton
      size="xs"
      label="Take back"
      ariaLabel={`Take back the consent for ${dataset}`}
      title={`Take back the consent for ${dataset}?`}
      confirmLabel="Take back"
      error={revoke.error}
      isPending={revoke.isPending}
      onConfirm={() => revoke.mutateAsync().then((receipt) => onRevoked(receipt.id))}
    >
      <Text size="sm">
        The shared domain forgets what this dataset brought: trees that hold it are destroyed and made without
        it. You get a receipt.
      </Text>
    </ConfirmButton>
  );
}

interface GrantProps {
  tenant: string;
  domain: Domain;
  datasets: Dataset[];
  given: Contribution[];
}

function GrantForm({ tenant, domain, datasets, given }: GrantProps) {
  const grant = useGrantContribution(tenant, domain.slug);
  const [chosen, setChosen] = useState("");
  const open = datasets.filter(
    ({ id, state }) =>
      state === "ready" && !given.some(({ dataset, revoked_at }) => dataset === id && revoked_at === null),
  );
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    afterChange(grant.mutateAsync(chosen), () => setChosen(""));
  };
  if (open.length === 0) return null;
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {grant.isError && <ErrorNotice error={grant.error} title="No consent was given" />}
        <Alert color="blue" variant="light" title="What giving means">
          Counts and mean states of n-grams enter the shared domain, and only those that at least{" "}
          {domain.min_tenants} verified tenants share. No text leaves your tenant. You can take the consent
          back, and the domain forgets.
        </Alert>
        <Group align="flex-end">
          <NativeSelect
            label="Contribute a dataset"
            value={chosen}
            onChange={(event) => setChosen(event.currentTarget.value)}
            data={[
              { value: "", label: "Choose …" },
              ...open.map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
          <Button type="submit" disabled={chosen === ""} loading={grant.isPending}>
            Give consent
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
