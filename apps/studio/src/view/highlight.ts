/**
 * Highlights loops, WAT and WGSL without markup in the text: it uses the browser's CSS highlights
 * over ranges. A browser without them shows plain text.
 */

/**
 * The kinds of highlighted text, named as in the style sheet, tried in this order at each place.
 */
const token =
  /(?<comment>;;.*|(?<=\s); .*|\/\/.*)|(?<keyword>\b(?:kernel|for|if|let|var|grid|workgroup|unroll|serial|vector|func|param|local|loop|block|then|result|fn|struct|return|else|barrier)\b|@\w+)|(?<type>\b(?:[fiu](?:8|16|32)(?:x\d+)?|v128|vec[234]|array|ptr)\b)|(?<number>(?<![\w$.])-?\d[\d.]*(?:e-?\d+)?u?\b)|(?<name>\$[\w.+:-]+)/g;

/** Replaces the highlights of the call before. */
export function highlight(boxes: Iterable<HTMLElement>): void {
  if (!('highlights' in CSS)) return;
  const ranges = new Map<string, Range[]>();
  for (const box of boxes) {
    const text = box.firstChild;
    if (!(text instanceof Text)) continue;
    for (const match of text.data.matchAll(token)) {
      const found = Object.entries(match.groups!).find(([, part]) => part !== undefined);
      const range = new Range();
      range.setStart(text, match.index);
      range.setEnd(text, match.index + match[0].length);
      const list = ranges.get(found![0]) ?? [];
      list.push(range);
      ranges.set(found![0], list);
    }
  }
  CSS.highlights.clear();
  for (const [name, list] of ranges) CSS.highlights.set(`code-${name}`, new Highlight(...list));
}
