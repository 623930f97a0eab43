/** Quotes words of suggested commands, so that they can be pasted into a shell. */

/**
 * `word` in a form that the system's shell reads back unchanged, quoted if necessary. On Windows,
 * double quotes work in both of its shells; a path there has none itself.
 */
export function shellWord(word: string, platform: string = process.platform): string {
  if (platform === 'win32') return /^[\w@+=:,./\\~-]+$/.test(word) ? word : `"${word}"`;
  if (/^[\w@%+=:,./~-]+$/.test(word) && !word.startsWith('~')) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
