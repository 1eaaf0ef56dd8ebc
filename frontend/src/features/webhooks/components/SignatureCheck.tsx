/** How a receiver checks that a message is ours: what is signed, and a function that a Python server can use as it is. */

import { Accordion, Anchor, Stack, Text } from "@mantine/core";

import { CopyField } from "@/components/ui/CopyField";

import { checkInPython } from "../signature-check";

export function SignatureCheck() {
  return (
    <Accordion variant="contained" mt="lg">
      <Accordion.Item value="check">
        <Accordion.Control>
          <Text size="sm">How your server checks that a message is ours</Text>
        </Accordion.Control>
        <Accordion.Panel>
          <Stack>
            <Text size="sm">
              Messages are signed as the{" "}
              <Anchor href="https://www.standardwebhooks.com/" inherit underline="always">
                Standard Webhooks
              </Anchor>{" "}
              specification says, for which there are libraries in many languages. Answer with a 2xx within
              ten seconds; anything else is tried again for three days. A message may come twice, with the
              same <code>webhook-id</code>.
            </Text>
            <CopyField label="In Python, without a library" value={checkInPython} />
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
