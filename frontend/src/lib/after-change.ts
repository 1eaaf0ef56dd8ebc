/** What follows a change that succeeded. */

/**
 * Calls `next` with what the change answered; a refusal is left to the mutation's `error`, which the form shows.
 *
 * Not mutate()'s own onSuccess: that is skipped when the form has gone meanwhile, and forms do go when the change makes
 * the page's data new (the first dataset, a running training, a deployed version).
 */
export function afterChange<T>(change: Promise<T>, next: (answer: T) => void): void {
  change.then(next, () => undefined);
}
