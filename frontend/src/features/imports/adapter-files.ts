/** The files of an adapter, PEFT's or of a version taken away: which there are, what is missing, and all of them as one to be sent. */

import { methodNames, methodOf, usualMethod } from "@/lib/adapter-methods";
import { formatBytes } from "@/lib/format";

import { tarOf } from "./tar";

export interface KnownFile {
  name: string;
  words: string;
}

export const knownFiles: KnownFile[] = [
  { name: "adapter_config.json", words: "how the adapter is made, as PEFT saves it" },
  { name: "adapter_model.safetensors", words: "its weights, as PEFT saves them" },
  { name: "head.safetensors", words: "weight and bias of the linear layer over the mean state" },
  { name: "head.json", words: "labels in the order of the outputs, and thresholds" },
  { name: "manifest.json", words: "of a version that was taken away: instead of head.json" },
  { name: "bottleneck.safetensors", words: "of such a version that is no LoRA: instead of PEFT's files" },
  { name: "expected.jsonl", words: "texts to compare on, with the scores you get for them" },
];
const maxBytes = 64 * 1024 * 1024;
const archive = /\.(zip|tar|tar\.gz|tgz)$/i;
const pickled = /\.(bin|pt|pth|pkl)$/i;

/** What was chosen: one archive of the folder, or files of it. */
export interface ChosenFiles {
  archive: File | null;
  /** By name; of files that are not in an archive, those that are known. */
  files: ReadonlyMap<string, File>;
  /** Names of files that nobody will read. */
  others: string[];
}

export const nothingChosen: ChosenFiles = { archive: null, files: new Map(), others: [] };

/** `chosen` with what is newly chosen: files come together one by one, an archive stands for itself. */
export function withFiles(chosen: ChosenFiles, added: File[]): ChosenFiles {
  const packed = added.find(({ name }) => archive.test(name));
  if (packed) return { archive: packed, files: new Map(), others: [] };
  const files = new Map(chosen.files);
  const others = new Set(chosen.others);
  for (const file of added) {
    if (knownFiles.some(({ name }) => name === file.name)) files.set(file.name, file);
    else others.add(file.name);
  }
  return { archive: null, files, others: [...others] };
}

/** Why what was chosen cannot be sent as it is; null: it can, or nothing was chosen yet. */
export function obstacleOf({ archive: packed, files, others }: ChosenFiles): string | null {
  const numBytes = packed?.size ?? [...files.values()].reduce((sum, { size }) => sum + size, 0);
  if (numBytes > maxBytes) {
    return `${formatBytes(numBytes)} are more than an adapter may have (64 MiB).`;
  }
  if (packed || (files.size === 0 && others.length === 0)) return null;
  const missing = neededOf(files).filter((name) => !files.has(name));
  if (missing.length === 0) return null;
  const words = `Still needed: ${missing.join(", ")}.`;
  const stray = others.find((name) => pickled.test(name));
  return stray === undefined
    ? words
    : `${words} ${stray} is not read, since pickled weights can run programs: save them as safetensors.`;
}

/** Names of the files that there must be, as far as `files` tell what is brought. */
export function neededOf(files: ReadonlyMap<string, File>): string[] {
  const needed = methodNames.map((name) => methodOf(name).archiveFiles);
  return needed.find(([sign = ""]) => files.has(sign)) ?? methodOf(usualMethod).archiveFiles;
}

/** Whether nothing is missing. */
export function areWhole(chosen: ChosenFiles): boolean {
  return obstacleOf(chosen) === null && (chosen.archive !== null || chosen.files.size > 0);
}

/** All of them as the one file that is sent. */
export function packed({ archive: whole, files }: ChosenFiles): File {
  return whole ?? new File([tarOf(files)], `${folderOf(files)}.tar`);
}

/** The folder that they were dropped or chosen with, where the browser tells it. */
function folderOf(files: ReadonlyMap<string, File>): string {
  const [first] = files.values();
  const place = first && "path" in first && typeof first.path === "string" ? first.path : "";
  const [folder] = place.split("/").filter((part) => part !== "" && part !== ".");
  return folder && folder !== first?.name ? folder : "adapter";
}
