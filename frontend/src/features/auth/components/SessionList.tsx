/** Where one is signed in; other places can be signed out. */

import { Badge, Button, Group, Stack, Text, VisuallyHidden } from "@mantine/core";

import { ErrorNotice } from "@/components/ui/ErrorNotice";
import { QueryView } from "@/components/ui/QueryView";
import { formatAgo } from "@/lib/format";

import { type Session, useEndSessions, useSessions } from "../api/sessions";

export function SessionList() {
  const sessions = useSessions();
  const end = useEndSessions();
  return (
    <QueryView query={sessions} height={90}>
      {(all) => {
        const others = all.filter(({ is_current }) => !is_current);
        const shown = [...all.filter(({ is_current }) => is_current), ...others];
        return (
          <Stack>
            {end.isError && <ErrorNotice error={end.error} title="Nobody was signed out" />}
            <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
              {shown.map((session) => (
                <Group key={session.id} component="li" justify="space-between" gap="xs" wrap="nowrap">
                  <div style={{ minWidth: 0 }}>
                    <Text size="sm" fw={500} component="div">
                      {browserOf(session)}{" "}
                      {session.is_current && (
                        <Badge color="teal" variant="light" tt="none">
                          This one
                        </Badge>
                      )}
                    </Text>
                    <Text size="xs" c="dimmed">
                      From {session.ip}, since {formatAgo(new Date(session.created_at * 1000).toISOString())}
                    </Text>
                  </div>
                  {!session.is_current && (
                    <Button
                      size="xs"
                      variant="default"
                      style={{ flexShrink: 0 }}
                      loading={end.isPending && end.variables.includes(session.id)}
                      onClick={() => end.mutate([session.id])}
                    >
                      Sign out
                      <VisuallyHidden>
                        {" "}
                        {browserOf(session)} from {session.ip}
                      </VisuallyHidden>
                    </Button>
                  )}
                </Group>
              ))}
            </Stack>
            {others.length > 1 && (
              <Group>
                <Button
                  variant="default"
                  loading={end.isPending && end.variables.length > 1}
                  onClick={() => end.mutate(others.map(({ id }) => id))}
                >
                  Sign out everywhere else
                </Button>
              </Group>
            )}
          </Stack>
        );
      }}
    </QueryView>
  );
}

const browsers = [
  [/Edg\//, "Edge"],
  [/Firefox\//, "Firefox"],
  [/Chrome\//, "Chrome"],
  [/Safari\//, "Safari"],
] as const;
const systems = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
] as const;

/** "Firefox on Windows", or what the program calls itself. */
function browserOf({ user_agent }: Session): string {
  const browser = browsers.find(([pattern]) => pattern.test(user_agent))?.[1];
  const system = systems.find(([pattern]) => pattern.test(user_agent))?.[1];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? (user_agent.slice(0, 60) || "An unknown program");
}
