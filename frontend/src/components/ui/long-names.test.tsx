import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { describe, expect, it } from "vitest";

import { theme } from "@/app/theme";

import { BarTitle } from "./BarTitle";
import { ErrorNotice } from "./ErrorNotice";
import { PageHeader } from "./PageHeader";
import { Section } from "./Section";

const long = "Kraftfahrzeug".repeat(20);

function show(what: React.ReactNode) {
  render(
    <MantineProvider theme={theme} env="test">
      <MemoryRouter>{what}</MemoryRouter>
    </MantineProvider>,
  );
}

describe("a name without a blank", () => {
  const isBroken = (found: HTMLElement) => found.closest("[style*='overflow-wrap: anywhere']") !== null;

  it("is broken where a page's head is narrower than it", () => {
    show(
      <PageHeader title={`${long} 1`} description={`${long} 2`} trail={[{ label: `${long} 3`, to: "/" }]} />,
    );
    for (const number of [1, 2, 3]) expect(isBroken(screen.getByText(`${long} ${number}`))).toBe(true);
  });

  it("is broken in the title of a section and in an error", () => {
    show(
      <Section title={`${long} 1`}>
        <ErrorNotice error={new Error(`${long} 2`)} />
      </Section>,
    );
    for (const number of [1, 2]) expect(isBroken(screen.getByText(`${long} ${number}`))).toBe(true);
  });
});

describe("a name written from the right", () => {
  it("stands for itself beside the number of its rows", () => {
    show(<BarTitle name="مهمة تصنيف" note="60 rows" share={0.15} />);
    expect(screen.getByText("مهمة تصنيف").tagName).toBe("BDI");
  });
});
