/** Which labels are taken for one another, of a matrix [true label][predicted label]. */

/** Rows of one label that were given another one. */
export interface Confusion {
  truth: string;
  predicted: string;
  count: number;
  /** Of the true label's rows. */
  share: number;
}

/** All pairs of labels that were confused, most often confused first. */
export function confusionsOf(labels: string[], confusion: number[][]): Confusion[] {
  const found: Confusion[] = [];
  confusion.forEach((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, predicted) => {
      if (count > 0 && truth !== predicted) {
        found.push({
          truth: labels[truth] ?? "",
          predicted: labels[predicted] ?? "",
          count,
          share: count / total,
        });
      }
    });
  });
  return found.sort((a, b) => b.count - a.count || b.share - a.share);
}

/** The whole matrix for a spreadsheet: true labels down, predicted ones across. */
export function confusionCsv(labels: string[], confusion: number[][]): string {
  const lines = confusion.map((row, truth) => [labels[truth] ?? "", ...row.map(String)]);
  return [["true label", ...labels], ...lines].map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

/** A spreadsheet takes what begins like a formula for one: an apostrophe makes it a text. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
