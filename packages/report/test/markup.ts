/** Parses a page strictly: every tag must be closed in order, every attribute quoted. */

export interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const empty = new Set(['meta', 'wbr', '!doctype']);

/** All tags of the page, in order. Throws at the first error. */
export function tags(page: string): readonly Tag[] {
  const found: Tag[] = [];
  const open: string[] = [];
  for (const [whole, name, rest] of page.matchAll(/<(\/?[!a-z0-9]+)([^<>]*)>/gi)) {
    if (name!.startsWith('/')) {
      const last = open.pop();
      if (`/${last}` !== name) throw new Error(`${whole} closes <${last}>`);
      continue;
    }
    const left = rest!.replace(/\s+[a-z-]+(?:="[^"]*")?/gi, '').replace(/^\/$/, '');
    if (left.trim() !== '') throw new Error(`${whole} has an attribute without quotes: ${left}`);
    found.push({ name: name!.toLowerCase(), attributes: attributes(rest!) });
    if (!empty.has(name!.toLowerCase()) && !rest!.endsWith('/')) open.push(name!);
  }
  if (open.length) throw new Error(`never closed: ${open.join(', ')}`);
  const outside = page.replace(/<style>[^<]*<\/style>/, '').replace(/<(\/?[!a-z0-9]+)([^<>]*)>/gi, '');
  if (/[<>]|&(?!(amp|lt|gt|quot|#39);)/.test(outside)) throw new Error('a sign of markup stands in the text');
  return found;
}

function attributes(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-z-]+)="([^"]*)"/gi)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name!, value!]));
}

/** The page's text with its entities resolved. */
export function read(page: string): string {
  const signs: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return page.replace(/<[^<>]*>/g, '').replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => signs[name]!);
}
