/** "Did you mean": the word that was probably meant, for options and names that do not exist. */

/** The one of `words` that `word` is a slip of (two letters at most, or capitals), else null. */
export function nearest(word: string, words: readonly string[]): string | null {
  const small = word.toLowerCase();
  const limit = Math.min(2, Math.floor(word.length / 2));
  const ranked = words
    .map((each) => ({ each, slips: slips(small, each.toLowerCase()) }))
    .filter((each) => each.slips <= limit)
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.each ?? null;
}

/** How many letters must be added, removed or changed to make `a` into `b` (Levenshtein's distance). */
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
