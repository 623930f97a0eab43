/**
 * Checks that a path in backticks, in a document or a comment, exists in this repository, and that
 * a link between documents leads to a file. A path may omit folders that are clear from its place:
 * `targets/webgpu` stands for packages/compiler/src/targets/webgpu.
 */
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { isGenerated, repositoryFiles, textOf } from './repository.ts';

const files = repositoryFiles();
const documents = files.filter((file) => file.endsWith('.md'));
const sources = files.filter((file) => /\.(ts|tsx|py|css|yml)$/.test(file));

/**
 * All ends of all paths, including those of folders: for a/b/c.ts these are a, a/b, b, a/b/c.ts,
 * b/c.ts, c.ts.
 */
const known = new Set(
  files.flatMap((file) => {
    const segments = file.split('/');
    return segments.flatMap((_, i) => segments.slice(0, i + 1).map((_, from) => segments.slice(from, i + 1).join('/')));
  }),
);

/** Files of authors, packages and the cache, which are not in this repository. */
const elsewhere = ['my-model.ts', 'index.d.ts', 'package', 'graph.ts'];

/**
 * Whether a text in backticks is a path: it has folders, or a file extension of sources or
 * documents.
 */
function isPath(text: string): boolean {
  if (!/^\w[\w.-]*(\/[\w.-]+)*\/?$/.test(text)) return false;
  // a name in capitals stands for any name
  if (/(^|\/)[A-Z]+(\.|\/|$)/.test(text)) return false;
  return text.includes('/') || /\.(ts|tsx|py|md)$/.test(text);
}

function unknownPaths(text: string): readonly string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)]
    .map(([, quoted]) => quoted!)
    .filter(isPath)
    .map((path) => path.replace(/\/$/, ''))
    .filter((path) => !isGenerated(path) && !known.has(path) && !elsewhere.includes(path));
}

const withoutBlocks = (markdown: string) => markdown.replace(/^```[\s\S]*?^```/gm, '');
const comments = (source: string) => source.match(/\/\*[\s\S]*?\*\/|(?<=^|\s)(\/\/|#) .*$/gm)?.join('\n') ?? '';

test('the search finds paths', () => {
  expect(
    unknownPaths('`packages/cli/src/main.ts`, `main.ts`, `graphs/`, `q8/q4`, `nowhere.ts`, `graphs/nowhere/`'),
  ).toEqual(['q8/q4', 'nowhere.ts', 'graphs/nowhere']);
  expect(unknownPaths('`@lamella/dsl`, `results/CARD.json`, `a / b`, `tokenizer.json`, `apps/assistant/dist`')).toEqual(
    [],
  );
  expect(comments('const a = 1; // see `main.ts`\n/** `scope.ts`\n * and `step.ts` */\n# `train.py`')).toBe(
    '// see `main.ts`\n/** `scope.ts`\n * and `step.ts` */\n# `train.py`',
  );
  expect(documents).toContain('README.md');
  expect(sources.length).toBeGreaterThan(300);
});

test('documents', () => {
  const wrong = documents.flatMap((file) =>
    unknownPaths(withoutBlocks(textOf(file))).map((path) => `${file}: ${path}`),
  );
  expect(wrong).toEqual([]);
});

test('comments', () => {
  const wrong = sources.flatMap((file) => unknownPaths(comments(textOf(file))).map((path) => `${file}: ${path}`));
  expect(wrong).toEqual([]);
});

test('links between documents', () => {
  const wrong = documents.flatMap((file) =>
    [...withoutBlocks(textOf(file)).matchAll(/\]\(([^)#\s]+)[^)]*\)|src="([^"]+)"/g)]
      .map(([, link, source]) => (link ?? source)!)
      .filter((link) => !/^\w+:/.test(link) && !known.has(posix.join(posix.dirname(file), link)))
      .map((link) => `${file}: ${link}`),
  );
  expect(wrong).toEqual([]);
});
