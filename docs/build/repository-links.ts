/**
 * Links from a page to a file of the repository outside docs/, as `../ARCHITECTURE.md`. In the
 * repository they lead to the file; the site does not have it, so there only their text remains.
 */
import type { MarkdownRenderer } from 'vitepress';

export function repositoryLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    const depth = String(env.relativePath).split('/').length - 1;
    for (const { children } of tokens) {
      let isOutside = false;
      for (const token of children ?? []) {
        if (token.type === 'link_open') isOutside = leadsOutside(token.attrGet('href') ?? '', depth);
        if (isOutside && token.type === 'link_open') hide(token);
        if (isOutside && token.type === 'link_close') hide(token);
      }
    }
  });
}

/** Whether a link on a page `depth` folders below docs/ leaves docs/. */
function leadsOutside(href: string, depth: number): boolean {
  return href.startsWith('../'.repeat(depth + 1));
}

/** Makes a link an element without meaning. */
function hide(token: { tag: string; attrs: [string, string][] | null }): void {
  token.tag = 'span';
  token.attrs = null;
}
