import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { ListPages } from "./ListPages";

it("names each of its buttons, the arrows too", async () => {
  const chosen: number[] = [];
  render(
    <MantineProvider>
      <ListPages list={{ count: 50, results: Array(20).fill(0) }} page={1} onChange={(n) => chosen.push(n)} />
    </MantineProvider>,
  );
  for (const button of screen.getAllByRole("button")) expect(button).toHaveAccessibleName();
  await userEvent.click(screen.getByRole("button", { name: "Next page" }));
  expect(chosen).toEqual([2]);
});
