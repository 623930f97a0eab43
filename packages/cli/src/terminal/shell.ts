/** Words of suggested commands, so that they can be pasted into a shell as they are. */

/** `word` as a POSIX shell reads it back: quoted where it has to be. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./~-]+$/.test(word) && !word.startsWith('~')) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
