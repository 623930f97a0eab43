/** Graph files: those of the repository, and an author's file anywhere, valid or not. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LamellaError } from '@lamella/graph/diagnostics';
import { type Graph, parameterCount } from '@lamella/graph/ir';
import { afterAll, describe, expect, test } from 'vitest';
import { loadGraph } from '../src/model/load-graph.ts';

const graphs = fileURLToPath(new URL('../../../graphs/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lamella-load-graph-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file outside the repository. */
function author(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function failure(path: string): Promise<LamellaError> {
  return loadGraph(path).then(
    () => expect.fail('nothing was thrown'),
    (error: LamellaError) => error,
  );
}

const family = {
  'mobilellm-125m': { parameters: 124_635_456, weightSets: 30, executions: 30 },
  'mobilellm-125m-ls': { parameters: 124_635_456, weightSets: 30, executions: 60 },
  'mobilellm-350m': { parameters: 345_355_200, weightSets: 32, executions: 32 },
  'mobilellm-350m-ls': { parameters: 345_355_200, weightSets: 32, executions: 64 },
  'mobilellm-600m': { parameters: 603_188_352, weightSets: 40, executions: 40 },
  'mobilellm-1b': { parameters: 1_005_461_760, weightSets: 54, executions: 54 },
  'mobilellm-1.5b': { parameters: 1_511_188_800, weightSets: 54, executions: 54 },
} as const;

test.each(Object.entries(family))('graphs/%s.ts', async (name, { parameters, weightSets, executions }) => {
  const graph = await loadGraph(join(graphs, `${name}.ts`));
  expect(graph.name).toBe(name);
  expect(parameterCount(graph)).toBe(parameters);
  expect(graph.stacks[0]?.weightSets).toHaveLength(weightSets);
  expect(new Set(graph.stacks[0]?.executions.map((e) => e.slot)).size).toBe(executions);
  expect(graph.kinds).toHaveLength(1);
  expect(graph.tokens.size).toBe(2048);
});

test('the written-out 125M and the preset differ only in the sharing order', async () => {
  const bare = ({ name: _, stacks, ...rest }: Graph): unknown => {
    const sets = stacks.map((stack) => stack.weightSets);
    return JSON.parse(JSON.stringify({ ...rest, sets }, (key, value) => (key === 'site' ? null : value)));
  };
  const written = await loadGraph(join(graphs, 'mobilellm-125m.ts'));
  const preset = await loadGraph(join(graphs, 'mobilellm-125m-ls.ts'));
  expect(bare(preset)).toEqual(bare(written));
});

test('every graph file loads, and its name is unique', async () => {
  const files = readdirSync(graphs).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(Object.keys(family).length);
  for (const file of files) expect((await loadGraph(join(graphs, file))).name).toBe(file.replace('.ts', ''));
});

test('a file outside the repository, with its own lines and columns', async () => {
  const path = join(folder, 'copy.ts');
  cpSync(join(graphs, 'mobilellm-125m.ts'), path);
  const lines = readFileSync(path, 'utf8').split('\n');
  const lineOf = (text: string) => lines.findIndex((line) => line.includes(text)) + 1;
  const graph = await loadGraph(path);
  expect(graph.kinds[0]?.site).toEqual({ file: path, line: lineOf('const layer = block('), column: 15 });
  expect(graph.kinds[0]?.body.nodes[1]?.site).toEqual({ file: path, line: lineOf('x = residual('), column: 42 });
  expect(graph.root.nodes[0]?.site).toEqual({ file: path, line: lineOf('m.embed_tokens.logits('), column: 63 });
});

const preset = (layers: number): string =>
  `import { mobileLLM } from '@lamella/dsl';
export default mobileLLM({ name: 'x', layers: ${layers}, d: 8, heads: 2, kvHeads: 1, ffn: 12, vocab: 20 });
`;

test('a changed file, and a changed file that it imports, are read again', async () => {
  const path = author('changing.ts', preset(2));
  expect((await loadGraph(path)).stacks[0]?.weightSets).toHaveLength(2);
  author('changing.ts', preset(3));
  expect((await loadGraph(path)).stacks[0]?.weightSets).toHaveLength(3);

  const importing = author('importing.ts', "export { default } from './changing.ts';\n");
  expect((await loadGraph(importing)).stacks[0]?.weightSets).toHaveLength(3);
  author('changing.ts', preset(4));
  const graph = await loadGraph(importing);
  expect(graph.stacks[0]?.weightSets).toHaveLength(4);
  expect(graph.kinds[0]?.site).toEqual({ file: path, line: 2, column: 16 });
});

test('L302: there is no such file', async () => {
  const error = await failure(join(folder, 'absent.ts'));
  expect(error.message).toBe(
    `L302 ${folder}/absent.ts cannot be read: there is no such file. Try the path of a graph file; lamella new my-model writes one`,
  );
});

test('L113: a syntax error, with its place', async () => {
  const path = author('syntax.ts', 'const a = 1;\nexport default (a;\n');
  const error = await failure(path);
  expect(error.code).toBe('L113');
  expect(error.message).toContain('Expected ")" but found ";"');
  expect(error.site).toEqual({ file: path, line: 2, column: 18 });
});

test('L113: an unresolved import, with its place', async () => {
  const path = author('nowhere.ts', "import a from './nowhere-else.ts';\nexport default a;\n");
  const error = await failure(path);
  expect(error.code).toBe('L113');
  expect(error.message).toContain(`it imports ./nowhere-else.ts, but ${folder}/nowhere-else.ts does not exist`);
  expect(error.site).toEqual({ file: path, line: 1, column: 15 });
});

test('L113: an exception of the author, with its place', async () => {
  const path = author(
    'throws.ts',
    "function sizes(): never {\n  throw new Error('no sizes yet');\n}\nexport default sizes();\n",
  );
  const error = await failure(path);
  expect(error.code).toBe('L113');
  expect(error.message).toContain('could not be run: no sizes yet');
  expect(error.site).toEqual({ file: path, line: 2, column: 9 });
});

test('L113: a thrown value that is not an error', async () => {
  const error = await failure(author('odd.ts', "throw 'a string';\n"));
  expect(error.message).toBe(
    `L113 ${folder}/odd.ts could not be run: it throws 'a string'. Try correcting the file, then lamella check again`,
  );
});

test.each([
  ['nothing', '', 'it exports nothing'],
  ['a name', 'export const model = 1;\n', 'it exports model by name'],
  ['no model', 'export default { name: "x" };\n', 'its default export is an object'],
  [
    'a promise',
    'export default (async () => 1)();\n',
    'its default export is a promise, and defineModel needs no await',
  ],
  ['a function', 'export default () => 1;\n', 'its default export is a function, which nothing calls'],
  [
    'a copy of a model, with an unchecked name',
    preset(1).replace('export default', 'const model =').concat("export default { ...model, name: '../evil' };\n"),
    'its default export is a copy of what defineModel returned',
  ],
  ['undefined', 'export default undefined;\n', 'its default export is undefined'],
  ['module.exports', preset(1).replace('export default', 'module.exports ='), 'it sets module.exports'],
])('L112: %s', async (_, text, reason) => {
  const error = await failure(author('default.ts', text));
  expect(error.message).toBe(
    `L112 ${folder}/default.ts does not export a model by default: ${reason}. Try export default defineModel(...)`,
  );
});

test.each([
  ['null', 'throw null;\n', 'it throws null'],
  ['an error without a message', 'throw new Error();\n', 'Error'],
  [
    'a model that is given another name',
    preset(1)
      .replace('export default', 'const model: { name: string } =')
      .concat("model.name = '../evil';\nexport default model;\n"),
    "Cannot assign to read only property 'name'",
  ],
  ['process.exit', 'process.exit(0);\n', 'it calls process.exit(0)'],
  ['await', 'await 1;\nexport default 1;\n', 'it awaits outside of a function, and a model needs no await'],
  ['no end', 'const f = (): void => f();\nexport default f();\n', 'Maximum call stack size exceeded'],
])('L113: %s', async (_, text, reason) => {
  const error = await failure(author('fails.ts', text));
  expect(error.message).toContain(`L113 ${folder}/fails.ts could not be run: ${reason}`);
  expect(error.code).toBe('L113');
});

/** A file with this expression for the layers of a valid block. */
const withLayers = (layers: string, body = '(w, x) => w.input_layernorm(x)'): string =>
  `import { block, defineModel, dims, embedding, gqa, input, rmsNorm, share, stack } from '@lamella/dsl';
const { t, d, ff, vocab } = dims({ t: 16, d: 8, ff: 12, vocab: 20 });
const layer = block([t, d], () => (${layers}), ${body});
export default defineModel(
  'm',
  {},
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(2, layer, share.immediate(2)) }),
  (m) => m.embed_tokens.logits(m.layers(m.embed_tokens(input(t)))),
);
`;
const sound = '{ input_layernorm: rmsNorm(d) }';

describe('L113: mistakes of beginners, with a remedy', () => {
  test.each([
    [
      'no import',
      withLayers('{ mlp: swiglu(d, ff) }'),
      'swiglu is not defined',
      "import { swiglu } from '@lamella/dsl'",
      3,
    ],
    ['a slip', withLayers('{ norm: rmsnorm(d) }'), 'rmsnorm is not defined', "rmsNorm, which '@lamella/dsl' has", 3],
    [
      'no such variable',
      withLayers('{ norm: rmsNorm(width) }'),
      'width is not defined',
      'declaring width, or correcting its name',
      3,
    ],
    ['a table', withLayers(sound).replace('.logits', '.logit'), 'm.embed_tokens.logit is not a function', 'logits', 8],
    [
      'a method',
      withLayers(sound, '(w, x) => x.add(w.input_layernorm(x))'),
      'x.add is not a function',
      "add(...), which '@lamella/dsl' has",
      3,
    ],
    [
      'a block as a function',
      withLayers(sound).replace('m.layers(', 'layer('),
      'layer is not a function',
      'a function there, or stack(1, layer) where it is a block',
      8,
    ],
    [
      'too early',
      '{\n  early();\n  const early = () => 1;\n}\n',
      "Cannot access 'early' before initialization",
      'declaring early above the line that uses it',
      2,
    ],
    [
      'another package',
      "import { block } from 'lamella';\nexport default block;\n",
      'it imports lamella, which is not installed',
      "'@lamella/dsl'",
      1,
    ],
    [
      'a package',
      "import a from 'left-over';\nexport default a;\n",
      'it imports left-over, which is not installed',
      'npm install left-over',
      1,
    ],
    [
      'a part of the DSL',
      "import { block } from '@lamella/dsl/block';\nexport default block();\n",
      'it imports @lamella/dsl/block, which is not installed',
      "'@lamella/dsl'",
      1,
    ],
    [
      'a file that is not TypeScript',
      "import a from './words.md';\nexport default a;\n",
      'words.md, which is not TypeScript',
      'readFileSync of node:fs for such a file',
      1,
    ],
    [
      'a file beside it',
      "import a from './wrods.md';\nexport default a;\n",
      `it imports ./wrods.md, but ${folder}/wrods.md does not exist`,
      "'./words.md'",
      1,
    ],
    [
      'no file',
      "import a from './none/at-all.ts';\nexport default a;\n",
      `${folder}/none/at-all.ts does not exist`,
      'writing that file, or the path of another',
      1,
    ],
  ])('%s', async (_, text, reason, remedy, line) => {
    author('words.md', '# Words\n');
    const path = author('newcomer.ts', text);
    const error = await failure(path);
    expect(error.message).toMatch(/^L113 /);
    expect(error.message).toContain(reason);
    expect(error.message.endsWith(`. Try ${remedy}`), error.message).toBe(true);
    expect(error.site).toMatchObject({ file: path, line });
  });

  test('a file that is not TypeScript', async () => {
    expect((await failure(author('README.md', '# A model\n'))).message).toBe(
      `L113 ${folder}/README.md could not be run: it is not a TypeScript graph file. Try the path of a graph file; lamella new my-model writes one`,
    );
  });
});

test('L129: an unknown sharing order', async () => {
  const path = author('order.ts', withLayers(sound).replace('immediate', 'imediate'));
  const error = await failure(path);
  expect(error.message).toBe(`L129 @lamella/dsl has nothing named share.imediate, (${path}:7:77). Try share.immediate`);
  expect((await failure(author('order.ts', withLayers(sound).replace('immediate', 'mirror')))).message).toContain(
    'Try share.cycle, share.immediate, share.none, share.order, share.reverse',
  );
});

test('process.exit is restored after a graph file', async () => {
  const { exit } = process;
  await failure(author('exit.ts', 'process.exit();\n'));
  expect(process.exit).toBe(exit);
});

describe('circular imports', () => {
  const reason = (...files: string[]) =>
    `its files import one another in a circle, ${files.map((file) => join(folder, file)).join(' -> ')}`;

  test('L113: a value that is not defined yet', async () => {
    author('sizes.ts', "import { heads } from './circle.ts';\nexport const d = 4 * heads.count;\n");
    const path = author(
      'circle.ts',
      `import { d } from './sizes.ts';\nexport const heads = { count: 2 };\n${preset(1).replace('d: 8', 'd')}`,
    );
    const error = await failure(path);
    expect(error.message).toContain(reason('circle.ts', 'sizes.ts', 'circle.ts'));
    expect(error.site).toEqual({ file: join(folder, 'sizes.ts'), line: 2, column: 28 });
  });

  test('L113: a value that the DSL takes', async () => {
    author('width.ts', "import { w } from './round.ts';\nexport const d = w;\n");
    const path = author(
      'round.ts',
      `import { d } from './width.ts';\nexport const w = 8;\n${preset(1).replace('d: 8', 'd')}`,
    );
    expect((await failure(path)).message).toContain(reason('round.ts', 'width.ts', 'round.ts'));
  });

  test('a harmless one, and one beside another mistake', async () => {
    author('names.ts', "import { w } from './fine.ts';\nexport const width = () => w;\n");
    const text = `import { width } from './names.ts';\nexport const w = 8;\n${preset(1).replace('d: 8', 'd: width()')}`;
    expect((await loadGraph(author('fine.ts', text))).name).toBe('x');
    expect((await failure(author('fine.ts', text.replace('kvHeads: 1', 'kvHeads: 3')))).code).toBe('L104');
  });
});

test.each([
  ['rmsnorm', 'rmsNorm'],
  ['transformer', 'adapter, add, attention, block, '],
])('L129: %s, which the DSL does not have', async (name, remedy) => {
  const path = author('unknown.ts', `import { ${name} } from '@lamella/dsl';\n\nexport default ${name}();\n`);
  const error = await failure(path);
  expect(error.message).toContain(`L129 @lamella/dsl has nothing named ${name}, at `.replace(', at ', ''));
  expect(error.message).toContain(`Try ${remedy}`);
  expect(error.site).toEqual({ file: path, line: 3, column: 16 });
});

test.each(['/dev/zero', '/dev/null'])('L302: %s is not a file', async (path) => {
  expect((await failure(path)).message).toContain(`L302 ${path} cannot be read: it is not a file`);
});

test.each(['style.css', 'notes.md', 'data.json', 'image.png'])('%s is not a graph file', async (name) => {
  expect((await failure(author(name, name === 'data.json' ? '{}' : 'a {}'))).code).toMatch(/L11[23]/);
});

test('a diagnostic of the model keeps its number, place and line', async () => {
  const path = author('heads.ts', preset(2).replace('heads: 2, kvHeads: 1', 'heads: 4, kvHeads: 3'));
  const error = await failure(path);
  expect(error.message).toBe(
    `L104 kvHeads must divide heads: 4 / 3, at layers.self_attn (${path}:2:16). Try kvHeads: 2`,
  );
});
