/** Docstrings of the sources as Markdown. */
import { Node, ts } from 'ts-morph';

export interface Docstring {
  /** The text above the tags, as Markdown. */
  readonly text: string;
  /** The code after `@example`. */
  readonly example: string | null;
}

/** The docstring of a declaration; null if it has none. */
export function docstringOf(node: Node): Docstring | null {
  // the comment of a variable is that of its statement
  const owner = Node.isVariableDeclaration(node) ? node.getVariableStatementOrThrow() : node;
  const docs = ts.getJSDocCommentsAndTags(owner.compilerNode).findLast(ts.isJSDoc);
  if (!docs) return null;
  const example = docs.tags?.find((tag) => tag.tagName.text === 'example');
  return { text: textOf(docs.comment), example: example ? textOf(example.comment) : null };
}

function textOf(comment: ts.JSDoc['comment']): string {
  return (ts.getTextOfJSDocComment(comment) ?? '').trim();
}

/** Prose as Markdown: error codes and papers become links, and text that looks like markup is escaped. */
export function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : escaped(part)))
    .join('');
}

function escaped(text: string): string {
  return text
    .replace(/[*|]/g, (character) => `\\${character}`)
    .replaceAll('<', '&lt;')
    .replaceAll('{', '&#123;')
    .replace(/\bL\d{3}\b/g, (code) => `[${code}](diagnostics.md#${code.toLowerCase()})`)
    .replace(/arXiv (\d{4}\.\d{5})/g, '[arXiv $1](https://arxiv.org/abs/$1)');
}

/** A table of Markdown; a bar inside a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

/** Code within a line; a table needs its bars escaped. */
export function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

export function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
