/**
 * A file's line endings and byte order mark. The editor has neither: it shows lines. A file is
 * written back with those it had, so that an edit changes only the edited lines.
 */

const ending = /\r\n?|\n/g;
const MARK = '\ufeff';

/** The text of a file as the editor shows it: lines that end in `\n`, no byte order mark. */
export function shown(file: string): string {
  return (file.startsWith(MARK) ? file.slice(MARK.length) : file).replace(ending, '\n');
}

/**
 * The editor's `text` as a file that replaces `before`: unchanged lines at the beginning and at the
 * end keep their endings, the lines between them get the file's first ending.
 */
export function stored(before: string, text: string): string {
  const mark = before.startsWith(MARK) ? MARK : '';
  const endings = before.match(ending) ?? [];
  const usual = endings[0] ?? '\n';
  if (endings.every((each) => each === usual)) return mark + text.replaceAll('\n', usual);
  const [old, lines] = [shown(before).split('\n'), text.split('\n')];
  const most = Math.min(old.length, lines.length);
  let head = 0;
  while (head < most && old[head] === lines[head]) head++;
  let tail = 0;
  while (tail < most - head && old.at(-1 - tail) === lines.at(-1 - tail)) tail++;
  const endingOf = (i: number) => {
    if (i < head) return endings[i] ?? usual;
    const fromEnd = lines.length - i;
    return (fromEnd <= tail && endings[old.length - fromEnd]) || usual;
  };
  return mark + lines.map((line, i) => (i === lines.length - 1 ? line : line + endingOf(i))).join('');
}
