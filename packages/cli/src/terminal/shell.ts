/** Quotes words of suggested commands, so that they can be pasted into a shell. */

/** `word` in a form that a POSIX shell reads back unchanged: quoted if necessary. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./~-]+$/.test(word) && !word.startsWith('~')) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
