/** The methods of adapters, as inference/wire has them; one that the API gains does not compile until it is here. */

import type { AdapterMethodName } from "@/lib/types";

export interface AdapterMethod {
  label: string;
  /** What the recipe's rank is called. */
  rankLabel: string;
  hasAlpha: boolean;
  /** Whose answers those of an imported adapter are compared with. */
  library: string;
  /** That an imported folder must have, first the one by which the method is known. */
  archiveFiles: string[];
}

/** In the order in which they are offered. */
const methods: Record<AdapterMethodName, AdapterMethod> = {
  lora: {
    label: "LoRA",
    rankLabel: "Rank",
    hasAlpha: true,
    library: "peft",
    archiveFiles: ["adapter_config.json", "adapter_model.safetensors", "head.safetensors"],
  },
  bottleneck: {
    label: "Bottleneck",
    rankLabel: "Width",
    hasAlpha: false,
    library: "transformers",
    archiveFiles: ["bottleneck.safetensors", "head.safetensors", "manifest.json"],
  },
};

export const methodNames = Object.keys(methods) as AdapterMethodName[];

export const usualMethod: AdapterMethodName = "lora";

export function methodOf(name: AdapterMethodName): AdapterMethod {
  return methods[name];
}

/** Of a report, which may be of a later release's method. */
export function methodOfReport(name: string): AdapterMethod {
  return isMethodName(name)
    ? methods[name]
    : { label: name, rankLabel: "Rank", hasAlpha: true, library: "original", archiveFiles: [] };
}

function isMethodName(name: string): name is AdapterMethodName {
  return name in methods;
}
