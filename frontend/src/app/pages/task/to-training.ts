/** Where on a task's page new examples are given and a training is started. */

export const trainSectionId = "train";

export function goToTraining() {
  const section = document.getElementById(trainSectionId);
  section?.scrollIntoView();
  section?.focus();
}
