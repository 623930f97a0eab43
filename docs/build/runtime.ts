/** The reference of a compiled package: `load`, the model that it returns, and their types. */
import { createRequire } from 'node:module';
import { Node, Project } from 'ts-morph';
import { block, docstringOf } from './docstring.ts';
import { documented, functionEntry, typeEntry } from './entries.ts';

/** The exports in the order of the page; others follow. */
const order: readonly string[] = [
  ...['load', 'LoadOptions', 'Running', 'Fallback', 'Model', 'GenerateOptions', 'SamplingOptions', 'TokenIds'],
  ...['Generation', 'Piece', 'Result', 'FinishReason', 'Stats', 'Session', 'Tokenizer', 'LamellaError'],
];

/** The page `docs/reference/runtime.md`. */
export function runtimeReference(): string {
  const exported = exportsOf();
  const others = [...exported.keys()].filter((name) => !order.includes(name));
  const entries = [...order, ...others].map((name) => entry(name, exported.get(name)![0]!));
  return `${[opening, ...entries].join('\n\n')}\n`;
}

/** The lines before every example. */
export const packageImports = `import { LamellaError, load } from './out/assistant/index.js';

const model = await load();`;

const opening = `# The package

What an app imports from a compiled package, generated from the types of the runtime by
\`npm run golden\`. [Embedding](../embedding.md) says how a bundler finds the package, and
[Loading](../loading.md) how a page loads it.

The examples use a package with a tokenizer in the folder out/assistant, and its loaded \`model\`:

${block('ts setup', packageImports)}`;

function entry(name: string, node: Node): string {
  // the options of `load` are a type of their own on this page
  if (Node.isFunctionDeclaration(node)) {
    return functionEntry(documented(name, node, node), { level: '##', options: false });
  }
  return typeEntry(name, node, { level: '##' });
}

/** The code of every `@example`, by the name of its entry. */
export function runtimeExamples(): ReadonlyMap<string, string> {
  const entries = [...exportsOf()].flatMap(([name, [node]]) => [
    [name, node!] as const,
    ...(Node.isInterfaceDeclaration(node) ? node.getMethods() : []).map(
      (method) => [`${name}.${method.getName()}`, method] as const,
    ),
  ]);
  const examples = entries.map(([name, node]) => [name, docstringOf(node)?.example ?? null] as const);
  return new Map(examples.filter((each): each is readonly [string, string] => each[1] !== null));
}

function exportsOf(): ReadonlyMap<string, readonly Node[]> {
  const project = new Project({ compilerOptions: { strict: true, allowImportingTsExtensions: true } });
  const file = project.addSourceFileAtPath(createRequire(import.meta.url).resolve('@lamella/runtime/api'));
  project.resolveSourceFileDependencies();
  return file.getExportedDeclarations();
}
