/**
 * The reference of `@lamella/dsl`: every export with its docstring. The order of the page is written
 * here, because that of the sources serves the compiler; an export that is missing here is an error.
 */
import { createRequire } from 'node:module';
import { Node, Project, type SignaturedDeclaration } from 'ts-morph';
import { block, docstringOf, prose } from './docstring.ts';
import { type DocumentedFunction, documented, functionEntry, typeEntry } from './entries.ts';

/** The names of each section, in the order of the page. */
const sections: Readonly<Record<string, readonly string[]>> = {
  'Models and blocks': ['dims', 'defineModel', 'input', 'block', 'stack', 'loop', 'residual', 'mobileLLM'],
  'Sharing orders': ['share'],
  Layers: ['embedding', 'linear', 'split', 'adapter', 'swiglu', 'causalConv', 'positions'],
  Norms: ['rmsNorm', 'headNorm', 'layerNorm'],
  Attention: ['gqa', 'cache', 'attention', 'rope', 'ropeScaling', 'rotate'],
  'Element-wise functions': [
    ...['add', 'sub', 'mul', 'div', 'min', 'max', 'scale', 'exp', 'tanh', 'sigmoid', 'relu', 'silu', 'gelu'],
    ...['geluTanh', 'square', 'softplus'],
  ],
  Types: [
    ...['Dim', 'Tensor', 'Module', 'Tree', 'Layer', 'Embedding', 'Positions', 'Split', 'Block', 'Stack', 'Cache'],
    ...['StackOptions', 'KvSharing', 'Sharing', 'GqaOptions', 'AttentionOptions', 'NormOptions', 'RopeOptions'],
    ...['RopeSpec', 'MobileLLMShape'],
  ],
};

/** An export, and its functions: one, or several for `share` and `ropeScaling`. */
interface Export {
  readonly name: string;
  readonly node: Node;
  readonly functions: readonly DocumentedFunction[];
}

/** Axes that every example may use. */
export const exampleAxes = 'const { t, d, ff, vocab } = dims({ t: 64, d: 64, ff: 128, vocab: 256 });';

/** The exports by name; they are read once, because TypeScript takes a second. */
let found: ReadonlyMap<string, Export> | null = null;

function exportsOf(): ReadonlyMap<string, Export> {
  found ??= readExports();
  return found;
}

function readExports(): ReadonlyMap<string, Export> {
  const project = new Project({ compilerOptions: { strict: true, allowImportingTsExtensions: true } });
  const index = project.addSourceFileAtPath(createRequire(import.meta.url).resolve('@lamella/dsl'));
  project.resolveSourceFileDependencies();
  const all = [...index.getExportedDeclarations()].map(([name, [node]]): [string, Export] => {
    return [name, { name, node: node!, functions: functionsOf(name, node!) }];
  });
  return new Map(all);
}

/** Every exported function of the DSL, in no particular order. */
export function dslFunctions(): readonly DocumentedFunction[] {
  return [...exportsOf().values()].flatMap(({ functions }) => functions);
}

function functionsOf(name: string, node: Node): readonly DocumentedFunction[] {
  const call = node.getType().getCallSignatures()[0]?.getDeclaration();
  const isValue = Node.isVariableDeclaration(node) || Node.isFunctionDeclaration(node);
  if (call && isValue) return [documented(name, node, call as SignaturedDeclaration)];
  if (!Node.isVariableDeclaration(node)) return [];
  return node
    .getType()
    .getProperties()
    .map((property) => {
      const member = property.getValueDeclarationOrThrow();
      const signed = member.getType().getCallSignatures()[0]!.getDeclaration();
      return documented(`${name}.${property.getName()}`, member, signed as SignaturedDeclaration);
    });
}

/** The page `docs/reference/dsl.md`. */
export function dslReference(): string {
  const exported = exportsOf();
  const listed = Object.values(sections).flat();
  const missing = [...exported.keys()].filter((name) => !listed.includes(name));
  if (missing.length > 0) throw new Error(`docs/build/dsl.ts places every export in a section: ${missing.join(', ')}`);
  const parts = Object.entries(sections).map(([title, names]) =>
    [`## ${title}`, ...names.map((name) => entry(exported.get(name)!))].join('\n\n'),
  );
  return `${[opening, ...parts].join('\n\n')}\n`;
}

const opening = `# The DSL

Every function and type of \`@lamella/dsl\`, generated from the docstrings in packages/dsl/src by
\`npm run golden\`. [Authoring](../authoring.md) introduces the language by the example of one model.

An axis is a \`Dim\` from \`dims\`. A shape such as [t, d] names the axes of a value: tokens first, then
features. A linear's weight is [out, in]. Type parameters are left out here; in an editor they turn a
wrong axis into one message at its place.

The examples use these axes:

${block('ts setup', `import { dims } from '@lamella/dsl';\n\n${exampleAxes}`)}

An example that defines \`layer\` is a block, which a model runs with \`stack(2, layer)\`. An example that
is one expression is part of a model: with \`x\`, of a block's body; \`stack(...)\`, of the model's
modules; any other, of a block's modules.`;

function entry({ name, node, functions }: Export): string {
  // the members of options are in the entries of their functions
  if (functions.length === 0) return typeEntry(name, node, { members: !/Options$|Shape$/.test(name) });
  if (functions.length === 1) return functionEntry(functions[0]!);
  const docs = docstringOf(node);
  return [`### ${name}`, prose(docs?.text ?? ''), ...functions.map((each) => functionEntry(each))].join('\n\n');
}
