/** "Did you mean": suggests a word for an option or a name that does not exist. */

/** The nearest of `words` within two letters of `word`, ignoring case; null if there is none. */
export function nearest(word: string, words: readonly string[]): string | null {
  const small = word.toLowerCase();
  const limit = Math.min(2, Math.floor(word.length / 2));
  const ranked = words
    .map((each) => ({ each, slips: slips(small, each.toLowerCase()) }))
    .filter((each) => each.slips <= limit)
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.each ?? null;
}

/** The number of letters to add, remove or change to turn `a` into `b` (Levenshtein distance). */
function slips(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
