/** Setting up codes of an authenticator app as second factor, its recovery codes, and ending it. */

import { Alert, Badge, Button, Group, List, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { type SubmitEvent, useState } from "react";
import { renderSVG } from "uqr";

import { ConfirmButton } from "@/components/ui/ConfirmButton";
import { CopyField } from "@/components/ui/CopyField";
import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { QueryView } from "@/components/ui/QueryView";
import { afterChange } from "@/lib/after-change";
import { downloadText } from "@/lib/download";

import {
  type Authenticator,
  type TotpOffer,
  useActivateTotp,
  useAuthenticators,
  useEndTotp,
  useNewRecoveryCodes,
  useOfferTotp,
} from "../api/second-factor";
import { CodeField } from "./fields";
import { isReauthenticationNeeded, ReauthenticateDialog } from "./ReauthenticateDialog";

export function SecondFactor() {
  const authenticators = useAuthenticators();
  const [codes, setCodes] = useState<string[]>([]);
  if (codes.length > 0) return <RecoveryCodes codes={codes} onKept={() => setCodes([])} />;
  return (
    <QueryView query={authenticators} height={90}>
      {(all) =>
        all.some(({ type }) => type === "totp") ? (
          <Active recovery={all.find(({ type }) => type === "recovery_codes")} onCodes={setCodes} />
        ) : (
          <SetUp onCodes={setCodes} />
        )
      }
    </QueryView>
  );
}

function SetUp({ onCodes }: { onCodes: (codes: string[]) => void }) {
  const offer = useOfferTotp();
  if (offer.data) return <ScanForm offer={offer.data} onCodes={onCodes} />;
  return (
    <Stack>
      <Text size="sm">
        With a second factor a stolen password is not enough: signing in also asks for a code that an app on
        your phone shows.
      </Text>
      {offer.isError && !isReauthenticationNeeded(offer.error) && (
        <ErrorNotice error={offer.error} title="It cannot be set up yet" />
      )}
      <Group>
        <Button loading={offer.isPending} onClick={() => offer.mutate()}>
          Set it up
        </Button>
      </Group>
      <ReauthenticateDialog
        opened={isReauthenticationNeeded(offer.error)}
        hasSecondFactor={false}
        onClose={offer.reset}
        onDone={() => offer.mutate()}
      />
    </Stack>
  );
}

function ScanForm({ offer, onCodes }: { offer: TotpOffer; onCodes: (codes: string[]) => void }) {
  const activate = useActivateTotp();
  const [code, setCode] = useState("");
  const send = () => afterChange(activate.mutateAsync(code.replaceAll(" ", "")), onCodes);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    send();
  };
  const picture = `data:image/svg+xml,${encodeURIComponent(renderSVG(offer.url))}`;
  return (
    <>
      <form onSubmit={submit}>
        <Stack maw={420}>
          <Text size="sm">
            1. Scan this with an authenticator app (for instance Aegis, Google Authenticator or 1Password), or
            type the secret into it.
          </Text>
          <img src={picture} width={200} height={200} alt="QR code that holds the secret below" />
          <CopyField label="Secret" value={offer.secret} />
          <CodeField
            label="2. The code that the app shows now"
            inputMode="numeric"
            value={code}
            onChange={setCode}
            autoFocus
          />
          {activate.isError && !isReauthenticationNeeded(activate.error) && (
            <ErrorNotice error={activate.error} title="The code was not accepted" />
          )}
          <Group>
            <Button type="submit" loading={activate.isPending}>
              Switch it on
            </Button>
          </Group>
        </Stack>
      </form>
      {/* Not within the form: React hands what is submitted in a dialogue on to the form round it. */}
      <ReauthenticateDialog
        opened={isReauthenticationNeeded(activate.error)}
        hasSecondFactor={false}
        onClose={activate.reset}
        onDone={send}
      />
    </>
  );
}

function RecoveryCodes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  return (
    <Stack maw={420}>
      <Alert color="yellow" variant="light" title="Keep these codes now" role="status">
        Each signs you in once when the app is not at hand. They are shown this once.
      </Alert>
      <CopyField label="Recovery codes" value={codes.join("\n")} />
      <Group>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => downloadText("hmi-recovery-codes.txt", `${codes.join("\n")}\n`, "text/plain")}
        >
          Download
        </Button>
        <Button onClick={onKept}>I have kept them</Button>
      </Group>
    </Stack>
  );
}

interface ActiveProps {
  recovery: Authenticator | undefined;
  onCodes: (codes: string[]) => void;
}

function Active({ recovery, onCodes }: ActiveProps) {
  const end = useEndTotp();
  const renew = useNewRecoveryCodes();
  const refused = isReauthenticationNeeded(renew.error)
    ? renew
    : isReauthenticationNeeded(end.error)
      ? end
      : null;
  const makeNew = () => afterChange(renew.mutateAsync(), onCodes);
  return (
    <Stack>
      <Group gap="xs">
        <Badge color="teal" variant="light" tt="none">
          On
        </Badge>
        <Text size="sm">Signing in asks for a code of your authenticator app.</Text>
      </Group>
      {recovery && (
        <List size="sm">
          <List.Item>
            {recovery.unused_code_count} of {recovery.total_code_count} recovery codes are left.
          </List.Item>
        </List>
      )}
      {renew.isError && refused !== renew && (
        <ErrorNotice error={renew.error} title="There are no new codes" />
      )}
      <Group>
        <Button variant="default" loading={renew.isPending} onClick={makeNew}>
          Make new recovery codes
        </Button>
        <ConfirmButton
          label="Switch it off"
          title="Switch the second factor off?"
          confirmLabel="Switch it off"
          error={refused === end ? null : end.error}
          isPending={end.isPending}
          onConfirm={() => end.mutateAsync()}
        >
          <Text size="sm">Then the password alone signs in. You are told of it by mail.</Text>
        </ConfirmButton>
      </Group>
      <ReauthenticateDialog
        opened={refused !== null}
        hasSecondFactor
        onClose={() => refused?.reset()}
        onDone={() => (refused === renew ? makeNew() : end.mutate())}
      />
    </Stack>
  );
}
