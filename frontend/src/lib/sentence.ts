/** Words that end openly, as reports and refusals have them, as a sentence; names of files begin as they are. */
export function sentence(words: string): string {
  const [first = ""] = words.split(/\s/);
  const whole = /[._]/.test(first) ? words : `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
