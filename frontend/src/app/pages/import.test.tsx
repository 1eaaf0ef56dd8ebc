import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import type { AdapterImport } from "@/lib/types";
import { adapterImport, dataset, importReport, me, task, version } from "@/testing/examples";
import { FakeServer, ok, page, refusal } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

const root = "/api/v1/tenants/acme";
const imports = `${root}/tasks/mail-topics/imports`;
const counted = { phase: "comparing", step: 30, num_steps: 120 };
const files = (...names: string[]) => names.map((name) => new File([`content of ${name}`], name));
const whole = () => files("adapter_config.json", "adapter_model.safetensors", "head.safetensors");

describe("bringing an adapter", () => {
  let server: FakeServer;
  let brought: AdapterImport[];

  beforeEach(() => {
    brought = [];
    server = new FakeServer();
    server.start();
    server
      .on("GET /api/v1/me", ok(me()))
      .on(`GET ${root}/tasks/mail-topics`, ok(task()))
      .on(`GET ${root}/datasets`, page(dataset(), dataset({ id: "other", kind: "score" })))
      .on(`GET ${imports}`, () => page(...brought));
  });

  async function open() {
    const { user } = renderApp("/t/acme/tasks/mail-topics/import");
    await screen.findByText(/Drop the adapter's folder/);
    const choose = (chosen: File[]) =>
      user.upload(document.querySelector("input[type=file]") as HTMLInputElement, chosen);
    return { user, choose };
  }

  it("packs the files, sends them with the dataset and shows the import at work", async () => {
    server.on(`POST ${imports}`, () => {
      brought = [adapterImport({ state: "running", message: "asking the libraries", ...counted })];
      return ok(brought[0], 201);
    });
    const { user, choose } = await open();
    const send = () => screen.getByRole("button", { name: "Bring this adapter" });
    expect(send()).toBeDisabled();
    await choose([...whole(), ...files("README.md")]);
    expect(await screen.findByText("Not sent, since nobody reads them: README.md.")).toBeVisible();
    await user.click(send());

    expect(await screen.findByText("asking the libraries: 25%")).toBeVisible();
    const bar = screen.getByRole("progressbar", { name: "Progress of the import" });
    expect(bar).toHaveAttribute("aria-valuenow", "25");
    expect(screen.queryByRole("button", { name: "Bring this adapter" })).not.toBeInTheDocument();
    const form = server.sentTo(`POST ${imports}`)[0]?.body as FormData;
    expect(form.get("dataset")).toBe(dataset().id);
    expect(form.get("min_agreement")).toBe("0.9");
    expect(membersOf(await textOf(form.get("file") as File))).toEqual([
      ["adapter_config.json", "content of adapter_config.json"],
      ["adapter_model.safetensors", "content of adapter_model.safetensors"],
      ["head.safetensors", "content of head.safetensors"],
    ]);
  });

  it("says which files are still needed, and that pickled weights are not read", async () => {
    const { choose } = await open();
    await choose(files("adapter_config.json", "adapter_model.bin"));

    const said = await screen.findByText(/Still needed/);
    expect(said).toHaveTextContent("Still needed: adapter_model.safetensors, head.safetensors.");
    expect(said).toHaveTextContent("adapter_model.bin is not read, since pickled weights can run programs");
    expect(screen.getByRole("button", { name: "Bring this adapter" })).toBeDisabled();
  });

  it("takes the files of a bottleneck that was taken away", async () => {
    const { choose } = await open();
    await choose(files("bottleneck.safetensors", "head.safetensors"));
    expect(await screen.findByText("Still needed: manifest.json.")).toBeVisible();
    await choose(files("manifest.json"));
    await waitFor(() => expect(screen.getByRole("button", { name: "Bring this adapter" })).toBeEnabled());
  });

  it("sends an archive as it is, and answers compared on its own texts alone", async () => {
    server.on(`POST ${imports}`, ok(adapterImport(), 201));
    const { user, choose } = await open();
    const archive = new File(["PK"], "mine.zip");
    await choose([archive]);
    await user.selectOptions(screen.getByLabelText(/Compare answers on/), "");
    await user.clear(screen.getByLabelText(/Texts that must be answered the same/));
    await user.type(screen.getByLabelText(/Texts that must be answered the same/), "97.5");
    await user.click(screen.getByRole("button", { name: "Bring this adapter" }));

    await waitFor(() => expect(server.sentTo(`POST ${imports}`)).toHaveLength(1));
    const form = server.sentTo(`POST ${imports}`)[0]?.body as FormData;
    expect((form.get("file") as File).name).toBe("mine.zip");
    expect(form.has("dataset")).toBe(false);
    expect(form.get("min_agreement")).toBe("0.975");
  });

  it("shows why the server did not take it, and keeps the files", async () => {
    server.on(`POST ${imports}`, refusal(409, "conflict", "An import for this task is queued or running."));
    const { user, choose } = await open();
    await choose(whole());
    await user.click(await screen.findByRole("button", { name: "Bring this adapter" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("An import for this task is queued");
    expect(screen.getByRole("button", { name: "Bring this adapter" })).toBeEnabled();
  });

  it("shows why an adapter cannot be used", async () => {
    const message = "adapter_config.json: the adapter is for bert-base-uncased";
    brought = [adapterImport({ state: "failed", error: { code: "adapter_refused", message } })];
    await open();

    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("mine.tar cannot be used here");
    expect(alert).toHaveTextContent(message);
    expect(screen.getByRole("row", { name: /mine\.tar .* Refused/ })).toBeVisible();
  });

  it("shows the parity report of what passed, and deploys it", async () => {
    brought = [adapterImport({ state: "succeeded", passed: true, version: 4 })];
    server
      .on(
        `GET ${root}/tasks/mail-topics/versions/4`,
        ok(version({ number: 4, report: importReport, training: null })),
      )
      .on(`POST ${root}/tasks/mail-topics/deployments`, ok({ version: 4 }, 201));
    const { user } = await open();

    expect(await screen.findByText("Does it answer as it does at home?")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Deploy version 4" }));
    await waitFor(() =>
      expect(server.sentTo(`POST ${root}/tasks/mail-topics/deployments`)[0]?.body).toEqual({ version: 4 }),
    );
  });

  it("offers no deploying of what did not pass, and says what stands in the way", async () => {
    brought = [adapterImport({ state: "succeeded", passed: false, version: 4 })];
    const problems = ["on looked-up inputs 80.0% of 400 answers agree"];
    const report = {
      import: { ...importReport.import, passed: false, parity: { ...importReport.import.parity, problems } },
    };
    server.on(`GET ${root}/tasks/mail-topics/versions/4`, ok(version({ number: 4, state: "draft", report })));
    await open();

    expect(await screen.findByText("On looked-up inputs 80.0% of 400 answers agree.")).toBeVisible();
    expect(screen.getByText("Version 4 is a draft")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Deploy version 4" })).not.toBeInTheDocument();
  });

  it("cancels one that is under way after asking", async () => {
    brought = [adapterImport()];
    server.on(`POST ${root}/imports/${adapterImport().id}/cancel`, () => {
      brought = [adapterImport({ state: "cancelled" })];
      return ok(brought[0]);
    });
    const { user } = renderApp("/t/acme/tasks/mail-topics/import");
    await user.click(await screen.findByRole("button", { name: "Cancel the import" }));
    await user.click(
      within(await screen.findByRole("dialog")).getByRole("button", { name: "Cancel import" }),
    );

    expect(await screen.findByText(/Drop the adapter's folder/)).toBeVisible();
    expect(screen.getByText("Cancelled")).toBeVisible();
  });

  it("lets viewers look, and no more", async () => {
    server.on("GET /api/v1/me", ok(me("viewer")));
    brought = [adapterImport({ state: "cancelled" })];
    renderApp("/t/acme/tasks/mail-topics/import");

    expect(await screen.findByText("Cancelled")).toBeVisible();
    expect(screen.queryByText(/Drop the adapter's folder/)).not.toBeInTheDocument();
  });
});

function textOf(file: Blob): Promise<string> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.readAsText(file, "latin1");
  });
}

/** Names and contents of an archive's members, their checksums compared. */
function membersOf(archive: string): [string, string][] {
  const members: [string, string][] = [];
  for (let at = 0; archive.charCodeAt(at) !== 0;) {
    const header = archive.slice(at, at + 512);
    const blank = header.slice(0, 148) + " ".repeat(8) + header.slice(156);
    const sum = Array.from(blank, (character) => character.charCodeAt(0)).reduce((a, b) => a + b, 0);
    expect(parseInt(header.slice(148, 154), 8)).toBe(sum);
    expect(header.slice(257, 262)).toBe("ustar");
    const size = parseInt(header.slice(124, 135), 8);
    members.push([header.slice(0, header.indexOf("\0")), archive.slice(at + 512, at + 512 + size)]);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  expect(archive.length % 512).toBe(0);
  return members;
}
