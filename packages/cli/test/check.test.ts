/** `check` and `new`: mistakes of the author, with the line and a remedy. */
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

test('a good graph, in a folder without node_modules', async () => {
  await writeGraph(home.path);
  const { code, stdout } = await home.lamella('check', 'tiny.ts');
  expect(stdout).toBe('tiny is well formed: 4,688 parameters, 2 weight sets, 4 executions\n');
  expect(code).toBe(0);
});

test('a wrong axis', async () => {
  await writeGraph(home.path, 'axis', (source) =>
    source.replace('norm: rmsNorm(d),\n    att', 'norm: rmsNorm(ff),\n    att'),
  );
  await home.refuses(['check', 'axis.ts'], 'L101', 'd=16', 'ff=24', 'axis.ts:13:', '> 13 | ', '^^^');
});

test('heads that do not divide', async () => {
  await writeGraph(home.path, 'heads', (source) => source.replace('kvHeads: 2', 'kvHeads: 3'));
  await home.refuses(['check', 'heads.ts'], 'L104', '4 / 3', 'layers.attention', 'heads.ts:9:', 'kvHeads: 2');
});

test('a file that does not parse', async () => {
  await writeFile(join(home.path, 'typo.ts'), 'export default defineModel(;\n');
  await home.refuses(['check', 'typo.ts'], 'L113', 'typo.ts:1:28', '> 1 | ');
});

test('a folder', () => home.refuses(['check', '.'], 'L302', 'folder', 'a graph file'));

test('a missing file', () => home.refuses(['check', 'none.ts'], 'L302', 'none.ts'));

test('a stack trace only with LAMELLA_DEBUG', async () => {
  expect((await home.debugged('check', 'none.ts')).stderr).toMatch(/^L302 .*\n(.*\n)* +at /);
});

test('new writes a valid graph, and never over another file', async () => {
  const { stdout } = await home.lamella('new', 'my-model');
  expect(stdout).toMatch(/ check my-model\.ts\n/);
  expect((await home.lamella('check', 'my-model.ts')).stdout).toMatch(
    /^my-model is well formed: .*4 weight sets, 8 executions/,
  );
  const before = await readFile(join(home.path, 'my-model.ts'), 'utf8');
  await home.refuses(['new', 'my-model'], 'L301', 'my-model.ts', 'already there');
  expect(await readFile(join(home.path, 'my-model.ts'), 'utf8')).toBe(before);
});

test('new writes into a folder below, and makes it', async () => {
  const { stdout, stderr } = await home.lamella('new', 'more graphs/wide.ts');
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^more graphs\/wide\.ts is .* check 'more graphs\/wide\.ts'\n.* run out\/wide --tokens/s);
  expect((await home.lamella('check', 'more graphs/wide.ts')).stdout).toMatch(/^wide is well formed/);
});

test.each([
  ['graphs/my layer', 'graphs/my-layer'],
  ['graphs/', 'graphs/my-model'],
  ['graphs/../../outside', 'graphs-..-..-outside'],
  ['/outside', 'outside'],
  ['../outside', 'outside'],
  ['wörter', 'worter'],
  ['my layer', 'my-layer'],
  ['', 'my-model'],
  ['x'.repeat(300), 'x'.repeat(100)],
])('new %j is refused with a name that works', (name, better) =>
  home.refuses(['new', name], 'L303', `Try lamella new ${better}`),
);

test('a graph that only the compiler refuses: check, compile and export give the same message', async () => {
  // The embedding is added again after the stack, which passes on only one value.
  await writeGraph(home.path, 'beside', (source) =>
    source
      .replace('rope, share', 'rope, add, share')
      .replace(
        /\(m\) => m\.embed_tokens\.logits\(.*\)\)\)\)\),/,
        '(m) => { const e = m.embed_tokens(input(t)); return m.embed_tokens.logits(m.norm(add(m.layers(e), e))); },',
      ),
  );
  const refused = ['beside.ts:', 'before a stack', 'Try carrying it'];
  await home.refuses(['check', 'beside.ts'], 'L116', ...refused);
  await home.refuses(['compile', 'beside.ts'], 'L116', ...refused);
  await home.refuses(['export', 'beside.ts', '--to', 'pytorch', '--out', 'py'], 'L116', ...refused);
});

const returning = (body: string) => (source: string) =>
  source.replace(/\(m\) => m\.embed_tokens\.logits\(.*\)\)\)\)\),/, `(m) => ${body},`);

test.each([
  [
    'a stack whose result is unused',
    '{ const x = m.embed_tokens(input(t)); m.layers(x); return m.embed_tokens.logits(m.norm(x)); }',
    'L116',
    'its result is never used',
    'Try using its result',
  ],
  [
    'a stack over a value from before another stack',
    '{ const x = m.embed_tokens(input(t)); const y = m.norm(m.layers(x)); return m.embed_tokens.logits(residual(m.layers(x), () => y)); }',
    'L116 stack',
    'before a stack',
    'Try carrying it',
  ],
])('%s', async (_, body, ...refused) => {
  await writeGraph(home.path, 'calls', returning(body));
  const [code = '', ...words] = refused;
  await home.refuses(['check', 'calls.ts'], code, 'calls.ts:', ...words);
});

test('a model without a head, although its width is its vocabulary', async () => {
  await writeGraph(home.path, 'headless', (source) =>
    returning('m.layers(m.norm(m.embed_tokens(input(t))))')(source).replace(/vocab: \d+/, 'vocab: 16'),
  );
  await home.refuses(
    ['check', 'headless.ts'],
    'L109',
    'the result of layers was returned',
    'headless.ts:',
    'Try embedding',
  );
});

test('attention over values that come from no linear has an operation of its own', async () => {
  await writeGraph(home.path, 'alone', (source) =>
    source
      .replace('rope, share', 'rope, attention, cache, share')
      .replace('x = w.attention(w.norm(x))', '')
      .replace('w.attention(w.norm(x))', 'attention(x, cache(x, x, { kvHeads: 4 }))')
      .replace(/ {4}(norm|attention): .*\n/g, ''),
  );
  for (const args of [
    ['check', 'alone.ts'],
    ['compile', 'alone.ts'],
    ['export', 'alone.ts', '--to', 'pytorch', '--out', 'py'],
  ])
    expect(await home.lamella(...args)).toMatchObject({ code: 0 });
});

test('a matrix of 140,000 columns has no limit, because sums of integers end with each group', async () => {
  await writeGraph(home.path, 'wide', (source) => source.replace('ff: 24', 'ff: 140_000'));
  for (const args of [
    ['check', 'wide.ts'],
    ['check', 'wide.ts', '--quant', 'f32', '--kv', 'q8', '--context', '8'],
    ['compile', 'wide.ts', '--quant', 'q8'],
    ['export', 'wide.ts', '--to', 'pytorch', '--out', 'wide'],
  ])
    expect(await home.lamella(...args)).toMatchObject({ code: 0 });
  await home.refuses(['check', 'wide.ts', '--quant', 'f32', '--context', '17'], 'L303', '--context', "the graph's t");
});

test('a graph that is too large, and the format in which it would fit', async () => {
  await writeGraph(home.path, 'large', (source) => source.replace('t: 16', 't: 100_000_000'));
  const refused = ['WASM memory', 'Try compiling with --context'];
  await home.refuses(['check', 'large.ts'], 'L123', ...refused);
  await home.refuses(['compile', 'large.ts'], 'L123', ...refused);
  const context = /--context \d+/.exec((await home.lamella('check', 'large.ts')).stderr)![0].split(' ');
  expect((await home.lamella('compile', 'large.ts', ...context)).code).toBe(0);
});

test.each(['t', 'd', 'ff', 'vocab'])('%s of a million millions', async (axis) => {
  await writeGraph(home.path, `huge-${axis}`, (source) =>
    source.replace(new RegExp(`\\b${axis}: \\d+`), `${axis}: 1_000_000_000_000`),
  );
  await home.refuses(['check', `huge-${axis}.ts`], 'L1(23|16)', '');
});

test('check --target webgpu', async () => {
  await writeGraph(home.path);
  expect(await home.lamella('check', 'tiny.ts', '--target', 'wasm,webgpu')).toMatchObject({ code: 0, stderr: '' });
  await home.refuses(['check', 'tiny.ts', '--target', 'cuda'], 'L303', '--target');
});

test('an unused value is a warning with its line', async () => {
  await writeGraph(home.path, 'lost', (source) =>
    source.replace(
      'return residual(attended, (x) => w.mlp(x));',
      'residual(attended, (x) => w.mlp(x));\n    return attended;',
    ),
  );
  const checked = await home.lamella('check', 'lost.ts');
  const warning =
    /^warning: L128 the value computed here is never used, at layers \(lost\.ts:14:5\)\. Try returning it/m;
  expect(checked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^lost|^tiny/) });
  expect(checked.stderr).toMatch(warning);
  expect(checked.stderr).toContain('> 14 |     residual(attended');
  const compiled = await home.lamella('compile', 'lost.ts', '--weights', 'random:1', '--out', 'lost');
  expect(compiled.code).toBe(0);
  expect(compiled.stderr).toMatch(warning);
  expect((await home.lamella('run', 'lost', '--tokens', '1,2')).code).toBe(0);
});

test('suggested commands are quoted', async () => {
  await mkdir(join(home.path, "it's my"));
  await writeGraph(home.path);
  const out = join("it's my", 'model');
  const { stderr } = await home.lamella('compile', 'tiny.ts', '--weights', 'random:1', '--out', out);
  expect(stderr).toMatch(/^next: .* run 'it'\\''s my\/model' --tokens 1,2,3$/m);
});

describe('a graph file in the command', () => {
  test.each([
    ['an error', "Promise.reject(new Error('left over'));", 'fails: left over, (rejects.ts:1:16)'],
    ['null', 'Promise.reject(null);', 'a promise behind that is rejected with null.'],
    ['a timer', "setTimeout(() => { throw new Error('too late'); });", 'fails: too late, (rejects.ts:1:26)'],
  ])('a rejected promise or failing timer is reported as a fault of the file: %s', async (_, line, told) => {
    await writeGraph(home.path, 'rejects', (source) => `${line}\n${source}`);
    const { code, stderr } = await home.lamella('compile', 'rejects.ts', '--weights', 'random:1', '--out', 'rejected');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^L113 rejects\.ts could not be run: it leaves /);
    expect(stderr).toContain(told);
    expect(stderr).toMatch(/Try the same without promises and timers/);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('its output goes to stderr, also later, and its timers do not keep the command running', async () => {
    const prints =
      "console.log('one'); process.stdout.write('two\\n'); Promise.resolve().then(() => console.info('three'));";
    await writeGraph(home.path, 'prints', (source) => `${prints}\nsetInterval(() => {}, 1000);\n${source}`);
    const { code, stdout, stderr } = await home.lamella('inspect', 'prints.ts', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tiny' });
    expect(stderr).toBe('one\ntwo\nthree\n');
  });

  test('its process.exit is reported with its place', async () => {
    await writeGraph(home.path, 'exits', (source) =>
      source.replace('const attended', 'process.exit(3);\n    const attended'),
    );
    await home.refuses(['check', 'exits.ts'], 'L113', 'it calls process.exit(3), (exits.ts:13:13)', '> 13 | ');
  });
});

test.each(['*', 'd*/a.ts', '{a,b}.ts', '[a].ts', 'a b#?.ts'])('a graph file at %s', async (path) => {
  const file = path.endsWith('.ts') ? path : `${path}.ts`;
  await mkdir(join(home.path, dirname(file)), { recursive: true });
  await copyFile(await writeGraph(home.path), join(home.path, file));
  expect((await home.lamella('check', file)).stdout).toMatch(/^tiny is well formed/);
});

test('a closed stdout is not a failure', async () => {
  await writeGraph(home.path);
  const reading = home.start('compile', 'tiny.ts', '--emit', 'wat');
  reading.stdout.once('data', () => reading.stdout.destroy());
  const stderr = text(reading.stderr);
  const [code] = await once(reading, 'exit');
  expect({ code, stderr: await stderr }).toEqual({ code: 0, stderr: '' });
});

test('a graph that never ends is ended by Ctrl-C', async () => {
  await writeFile(join(home.path, 'endless.ts'), "process.stderr.write('running\\n');\nfor (;;);\n");
  const endless = home.start('check', 'endless.ts');
  endless.stderr.once('data', () => endless.kill('SIGINT'));
  expect(await once(endless, 'exit')).toEqual([null, 'SIGINT']);
});
