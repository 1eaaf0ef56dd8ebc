/** What a person may choose of a training's recipe; what is left empty takes the default. */

import { usualMethod } from "@/lib/adapter-methods";
import type { AdapterMethodName, Training } from "@/lib/types";

export interface RecipeChoice {
  /** Megabytes for a private leaf; 0: none. */
  leafMb: number;
  method: AdapterMethodName;
  /** As NumberInput has them: "" while empty. */
  rank: number | string;
  epochs: number | string;
  learningRate: number | string;
  maxMinutes: number | string;
  /** Recipes to be tried; 0: the given one alone. */
  search: number;
  /** Whether a model is trained on computed lower layers as well. */
  compares: boolean;
}

export const usualChoice: RecipeChoice = {
  leafMb: 0,
  method: usualMethod,
  rank: "",
  epochs: "",
  learningRate: "",
  maxMinutes: "",
  search: 0,
  compares: true,
};

/** Only what differs from the default. */
export function recipeOf(choice: RecipeChoice): NonNullable<Training["recipe"]> {
  const { leafMb, method, rank, epochs, learningRate, maxMinutes, search, compares } = choice;
  return {
    ...(leafMb > 0 && { leaf_mb: leafMb }),
    ...(method !== usualMethod && { method }),
    ...(rank !== "" && { rank: Number(rank) }),
    ...(epochs !== "" && { epochs: Number(epochs) }),
    ...(learningRate !== "" && { learning_rate: Number(learningRate) }),
    ...(maxMinutes !== "" && { max_minutes: Number(maxMinutes) }),
    ...(search > 0 && { search }),
    ...(!compares && { distil: false, compare_computed: false }),
  };
}
