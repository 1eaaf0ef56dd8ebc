import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { QueryView } from "@/components/ui/QueryView";
import { createQueryClient } from "@/lib/query-client";
import { useCode } from "@/lib/use-code";

interface Module {
  Chart: () => React.ReactNode;
}

function Section({ load }: { load: () => Promise<Module> }) {
  const code = useCode("chart", load);
  return <QueryView query={code}>{({ Chart }) => <Chart />}</QueryView>;
}

it("says in its own place that it did not come, and comes when it is asked for again", async () => {
  let isAway = true;
  const load = (): Promise<Module> =>
    isAway
      ? Promise.reject(new TypeError("Failed to fetch dynamically imported module"))
      : Promise.resolve({ Chart: () => <p>48 hours</p> });
  const client = createQueryClient();
  client.setDefaultOptions({ queries: { retryDelay: 1, ...client.getDefaultOptions().queries } });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>
        <input aria-label="Name" defaultValue="Mail topics" />
        <Section load={load} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  await userEvent.type(screen.getByLabelText("Name"), ", all");

  expect(await screen.findByText(/The server cannot be reached/)).toBeVisible();
  expect(screen.getByLabelText("Name")).toHaveValue("Mail topics, all");
  isAway = false;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("48 hours")).toBeVisible();
});
