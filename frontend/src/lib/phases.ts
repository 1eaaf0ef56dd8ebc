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

export function phaseWords(phase: string): string {
  return phases[phase] ?? "Waiting for its turn";
}
