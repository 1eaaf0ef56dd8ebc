/** The steps of a training, in words. */

const phases: Record<string, string> = {
  starting: "Starting",
  splitting: "Setting test rows aside",
  learning_domain: "Learning the domain's n-grams",
  looking_up: "Looking the rows up",
  searching: "Trying recipes",
  comparing: "Training on computed lower layers, to compare",
  training: "Training the adapter",
  trying_leaf: "Trying a private leaf",
  evaluating: "Evaluating on held-out rows",
  publishing: "Publishing the version",
};

/** What a training is at; one that was claimed a moment ago has no phase yet. */
export function phaseWords({ state, phase }: { state: string; phase: string }): string {
  return state === "queued" ? "Waiting for its turn" : (phases[phase] ?? "Starting");
}
