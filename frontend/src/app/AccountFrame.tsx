/** What stands round the pages of somebody who is not signed in. */

import { Center, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import { OfflineNotice } from "./OfflineNotice";

interface Props {
  title: string;
  words?: string;
  children: ReactNode;
  /** Links below, to the neighbouring pages. */
  below?: ReactNode;
}

export function AccountFrame({ title, words, children, below }: Props) {
  return (
    <Center mih="100vh" p="md" component="main">
      <Stack w="100%" maw={400} gap="lg">
        <div>
          <Title order={1} size="h2">
            {title}
          </Title>
          {words && <Text c="dimmed">{words}</Text>}
        </div>
        <OfflineNotice />
        <Paper withBorder p="lg" radius="md">
          {children}
        </Paper>
        {below && (
          <Text size="sm" component="div">
            {below}
          </Text>
        )}
      </Stack>
    </Center>
  );
}
