/** The reference of the TypeScript API, from the docstrings of the package `lamella`. */
import { createRequire } from 'node:module';
import { Node, Project } from 'ts-morph';
import { block } from './docstring.ts';
import { type DocumentedFunction, documented, functionEntry, typeEntry } from './entries.ts';

/** The lines before every example. */
export const apiImports = `import { mobileLLM } from '@lamella/dsl';
import { bench, check, compile, emit, inspect, LamellaError, load, logits, oracle, run, write } from 'lamella';

const shape = { layers: 4, d: 64, heads: 4, kvHeads: 2, ffn: 160, vocab: 256, context: 128 };
const graph = mobileLLM({ name: 'mine', ...shape });`;

const opening = `# The TypeScript API

What a program imports from \`lamella\`, generated from docstrings by \`npm run golden\`. The guide is
[From TypeScript](../api.md). What \`load\` returns is described in [The package](runtime.md).

The examples use this \`graph\`:

${block('ts setup', apiImports)}`;

/** Every function of the API, an overload each. */
export function apiFunctions(): readonly DocumentedFunction[] {
  return [...exportsOf()].flatMap(([name, nodes]) => {
    const functions = nodes.filter(Node.isFunctionDeclaration);
    const overloads = functions.filter((node) => node.isOverload());
    return (overloads.length > 0 ? overloads : functions).map((node) => documented(name, node, node));
  });
}

export function apiReference(): string {
  const functions = apiFunctions().map((each) => functionEntry(each));
  const own = [...exportsOf()].filter(([, [node]]) => node && isOwn(node));
  // the options of a function are a table in its entry
  const types = own.filter(([name, [node]]) => !Node.isFunctionDeclaration(node) && !name.endsWith('Options'));
  const entries = types.map(([name, [node]]) => typeEntry(name, node!));
  return `${[opening, '## Functions', ...functions, '## Types', ...entries].join('\n\n')}\n`;
}

/** Types of other packages are described on their own pages. */
function isOwn(node: Node): boolean {
  return node.getSourceFile().getFilePath().includes('/cli/src/');
}

function exportsOf(): ReadonlyMap<string, readonly Node[]> {
  const project = new Project({ compilerOptions: { strict: true, allowImportingTsExtensions: true } });
  const file = project.addSourceFileAtPath(createRequire(import.meta.url).resolve('lamella'));
  project.resolveSourceFileDependencies();
  return file.getExportedDeclarations();
}
