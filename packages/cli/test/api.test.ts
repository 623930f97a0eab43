/**
 * The API: every function gives what the command gives, byte for byte, in memory and on disk. It
 * prints nothing, ends nothing, and leaves nothing half-written.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AnyModel,
  bench,
  check,
  compile,
  emit,
  type FormatName,
  type Graph,
  inspect,
  LamellaError,
  load,
  logits,
  oracle,
  type PackageInMemory,
  type PackageOnDisk,
  run,
  type Target,
  write,
} from 'lamella';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { loadGraph } from '../src/model/load-graph.ts';
import { writeHubFolder } from './checkpoint-files.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
let tiny: Graph;
const at = (...names: readonly string[]) => join(home.path, ...names);
/** A call of one of these would disturb the program that uses the API. */
const forbidden = [
  vi.spyOn(process.stdout, 'write'),
  vi.spyOn(process.stderr, 'write'),
  vi.spyOn(process, 'exit').mockImplementation(() => {
    throw new Error('process.exit was called');
  }),
];

beforeAll(async () => {
  home = await scratch();
  vi.stubEnv('XDG_CACHE_HOME', at('cache'));
  tiny = await loadGraph(await writeGraph(home.path));
  await writeHubFolder(at('hub'), { max_position_embeddings: 64 });
});
afterAll(async () => {
  for (const spy of forbidden) expect(spy).not.toHaveBeenCalled();
  vi.unstubAllEnvs();
  await home.remove();
});

/** The output of the command. */
async function told(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await home.lamella(...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

/** The hash of every file of a folder, by name. */
async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, sha256(await readFile(join(folder, name)))])),
  );
}

/** The same of a package in memory. */
function filesOf({ files }: PackageInMemory): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name, sha256(content)]));
}

/** The error that `work` rejects with. */
async function failure(work: Promise<unknown>): Promise<LamellaError> {
  const error = await work.then(
    () => expect.unreachable('there is no error'),
    (error: unknown) => error,
  );
  if (error instanceof LamellaError) return error;
  throw error;
}

describe('compile', () => {
  test('a graph in memory, its file, and the command give the same package', async () => {
    const choices = { weights: 'random:1', quant: 'q4', kv: 'q8', context: 12, target: ['wasm', 'webgpu'] } as const;
    const named = { name: '@me/tiny', packageVersion: '1.2.0' };
    await told(
      ...['compile', 'tiny.ts', '--weights', 'random:1', '--quant', 'q4', '--kv', 'q8', '--context', '12'],
      ...['--target', 'wasm,webgpu', '--name', '@me/tiny', '--package-version', '1.2.0', '--out', 'told'],
    );
    const expected = await filesIn(at('told'));
    const memory = await compile(tiny, { ...choices, ...named });
    expect(filesOf(memory)).toEqual(expected);
    expect(filesOf(await compile(at('tiny.ts'), { ...choices, ...named }))).toEqual(expected);
    const disk = await compile(tiny, { ...choices, ...named, out: at('disk') });
    expect(disk).toEqual({ manifest: memory.manifest, folder: at('disk'), warnings: [] });
    expect(await filesIn(at('disk'))).toEqual(expected);
    expect(await write(memory, at('written'))).toEqual({ manifest: memory.manifest, folder: at('written') });
    expect(await filesIn(at('written'))).toEqual(expected);
  });

  test('a checkpoint has its own weights and tokenizer, and the note about its context is passed on', async () => {
    await writeHubFolder(at('long'));
    const notes: string[] = [];
    const { manifest } = await compile(at('long'), { onNote: (note) => notes.push(note) });
    expect(notes).toEqual(['context 2048 of 4096 tokens']);
    expect(manifest.context).toBe(2048);
    expect(manifest.tokenizer).not.toBeNull();
    expect(manifest.weights).not.toBeNull();
  });

  test('without weights, and a package with weights is kept unless it is forced', async () => {
    await compile(tiny, { weights: 'random:1', out: at('kept') });
    const before = await filesIn(at('kept'));
    const bare = await compile(tiny);
    expect(bare.manifest.weights).toBeNull();
    const error = await failure(write(bare, at('kept')));
    expect(error.code).toBe('L301');
    expect(error.remedy).toBe('weights SOURCE, another out, or force: true');
    expect(await filesIn(at('kept'))).toEqual(before);
    await write(bare, at('kept'), { force: true });
    expect(await filesIn(at('kept'))).toEqual(filesOf(bare));
  });

  test('a stage as text', async () => {
    expect(await emit(tiny, 'plan', { quant: 'q4' })).toBe(
      await told('compile', 'tiny.ts', '--emit', 'plan', '--quant', 'q4'),
    );
  });

  test('progress counts up to the bytes of the weights', async () => {
    const done: number[] = [];
    const { manifest } = await compile(tiny, {
      weights: 'random:1',
      onProgress: (progress) => {
        expect(progress).toMatchObject({ step: 'packing weights', total: manifestBytes });
        done.push(progress.done);
      },
    });
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.at(-1)).toBe(manifest.memory.weights.bytes);
  });
  const manifestBytes = expect.any(Number);
});

describe('inspect', () => {
  test.each<[string, () => AnyModel | Promise<AnyModel>]>([
    ['a graph', () => tiny],
    ['its file', () => at('tiny.ts')],
    ['a package in memory', () => compile(tiny, { weights: 'random:1', target: 'webgpu' })],
    ['a package on disk', () => compile(tiny, { target: ['wasm', 'webgpu'], out: at('on-disk') })],
    ['the path of a package', async () => (await compile(tiny, { target: 'webgpu', out: at('inspected') })).folder],
  ])('%s gives the JSON of the command', async (_, model) => {
    expect(`${JSON.stringify(await inspect(await model()))}\n`).toBe(await told('inspect', 'tiny.ts', '--json'));
  });

  test('a checkpoint gives the JSON of the command', async () => {
    expect(`${JSON.stringify(await inspect(at('hub')))}\n`).toBe(await told('inspect', 'hub', '--json'));
  });
});

describe('load, run, logits and bench', () => {
  let memory: PackageInMemory;
  let disk: PackageOnDisk;
  beforeAll(async () => {
    memory = await compile(tiny, { weights: 'random:1' });
    disk = await write(memory, at('loaded'));
  });
  const forms = (): readonly (readonly [AnyModel, { readonly weights?: string }])[] => [
    [memory, {}],
    [disk, {}],
    [at('loaded'), {}],
    [tiny, { weights: 'random:1' }],
    [at('tiny.ts'), { weights: 'random:1' }],
  ];

  test('every form of a model gives the tokens and logits of the command', async () => {
    const ids = ['--tokens', '1,2,3', '--json'];
    const { tokens, text, stats } = JSON.parse(await told('run', 'loaded', '--max-tokens', '6', ...ids));
    const last = JSON.parse(await told('logits', 'loaded', ...ids));
    const every = JSON.parse(await told('logits', 'loaded', '--all', ...ids));
    for (const [model, weights] of forms()) {
      const report = await run(model, [1, 2, 3], { ...weights, maxTokens: 6 });
      expect(report).toMatchObject({ tokens, text });
      expect(Object.keys(report.stats)).toEqual(Object.keys(stats));
      expect(await logits(model, [1, 2, 3], weights)).toEqual(last);
      expect(await logits(model, Uint16Array.of(1, 2, 3), { ...weights, all: true, threads: 1 })).toEqual(every);
    }
  });

  test('a checkpoint is compiled once, and answers a text', async () => {
    const notes: string[] = [];
    const choices = { maxTokens: 5, quant: 'f32', onNote: (note: string) => notes.push(note) } as const;
    const { tokens, text } = await run(at('hub'), 'abc', choices);
    expect(notes).toEqual([expect.stringMatching(/^compiling .*hub into .*cache/)]);
    const options = ['--prompt', 'abc', '--max-tokens', '5', '--quant', 'f32', '--json'];
    expect(JSON.parse(await told('run', at('hub'), ...options))).toMatchObject({ tokens, text });
    await run(at('hub'), 'abc', choices);
    expect(notes).toHaveLength(1);
    const other = await logits(at('hub'), [1, 2], { weights: at('hub', 'model.safetensors'), quant: 'f32' });
    expect(other).toEqual(await logits(at('hub'), [1, 2], { quant: 'f32' }));
  });

  test('a loaded model is one of a package, with threads as well', async () => {
    const alone = await load(memory, { threads: 1 });
    const progress: unknown[] = [];
    const several = await load(memory, { threads: 2, onProgress: (each) => progress.push(each) });
    expect(several.running).toMatchObject({ device: 'wasm', threads: 2 });
    expect(await several.logits([4, 5])).toEqual(await alone.logits([4, 5]));
    expect(progress.at(-1)).toMatchObject({ step: 'loading weights', done: memory.manifest.memory.weights.bytes });
    const pieces: number[] = [];
    for await (const { token } of alone.generate([1], { maxTokens: 3 })) pieces.push(token);
    expect(pieces).toHaveLength(3);
    for (const model of [alone, several]) model.dispose();
    expect((await failure(alone.logits([1]))).code).toBe('L411');
  });

  test('a package that was compiled again is the new one', async () => {
    const of = async (seed: number) => {
      const { folder } = await compile(tiny, { weights: `random:${seed}`, out: at('again') });
      return (await logits(folder, [1])).logits;
    };
    const first = await of(1);
    expect(await of(2)).not.toEqual(first);
    await compile(at('hub'), { out: at('again') });
    using model = await load(at('again'));
    expect(model.tokenizer).not.toBeNull();
    expect((await model.generate('abc', { maxTokens: 2 }).result()).tokens).toHaveLength(2);
  });

  test('bench has a result for each model and number of threads, in the shape of the command', async () => {
    const work = { promptTokens: 4, maxTokens: 3, repeat: 2 };
    const steps: unknown[] = [];
    const { results } = await bench([memory, disk, at('loaded')], {
      ...work,
      threads: [1, 2],
      onProgress: (progress) => steps.push(progress),
    });
    expect(results.map(({ threads }) => threads)).toEqual([1, 2, 1, 2, 1, 2]);
    expect(steps.at(-1)).toEqual({ step: 'measuring', done: 5, total: 5 });
    const options = ['--prompt-tokens', '4', '--max-tokens', '3', '--repeat', '2', '--json'];
    const [expected] = JSON.parse(await told('bench', 'loaded', ...options)).results;
    for (const result of results) {
      expect(Object.keys(result)).toEqual(Object.keys(expected));
      expect(result.samples).toHaveLength(2);
      expect(result).toMatchObject({ target: 'wasm', host: 'node', promptTokens: 4, generatedTokens: 3 });
    }
    expect((await bench(tiny, { weights: 'random:1', ...work })).results).toHaveLength(1);
  });
});

describe('errors are values', () => {
  const wrong = (text: string) => text.replace('kvHeads: 2', 'kvHeads: 3');

  test('check finds what the command finds, with code, place, line and remedy', async () => {
    await writeGraph(home.path, 'wrong', wrong);
    const { graph, errors, warnings } = await check(at('wrong.ts'));
    expect({ graph, warnings }).toEqual({ graph: null, warnings: [] });
    const [error, ...others] = errors;
    expect(others).toEqual([]);
    expect(error).toBeInstanceOf(LamellaError);
    expect(error).toMatchObject({
      code: 'L104',
      place: 'layers.attention',
      site: { file: at('wrong.ts'), line: 9 },
      remedy: expect.stringMatching(/^kvHeads: \d/),
    });
    const { stderr } = await home.lamella('check', 'wrong.ts');
    expect(stderr).toContain(error!.message.replaceAll(`${home.path}/`, ''));
    await expect(compile(at('wrong.ts'))).rejects.toMatchObject({ code: 'L104', message: error!.message });
  });

  test('warnings stop nothing', async () => {
    await writeGraph(home.path, 'unused', (text) =>
      text.replace('return residual(attended,', 'w.norm(attended);\n    return residual(attended,'),
    );
    const { graph, errors, warnings } = await check(at('unused.ts'));
    expect(graph?.name).toBe('tiny');
    expect(errors).toEqual([]);
    expect(warnings.map(({ code, site }) => [code, site?.line])).toEqual([['L128', 14]]);
    expect((await compile(at('unused.ts'))).warnings).toEqual(warnings);
  });

  test.each<[string, () => Promise<unknown>, string, string]>([
    [
      'a context beyond the graph',
      () => compile(tiny, { context: 17 }),
      'L303 context does not take 17',
      "16, the graph's t",
    ],
    ['a value out of range', () => compile(tiny, { context: 0.5 }), 'L303 context does not take 0.5', 'a whole number'],
    [
      'an unknown format',
      () => load(tiny, { quant: 'q9' as 'q8' }),
      "L303 quant does not take 'q9'",
      'f32, f16, q8 or q4',
    ],
    [
      'a misspelt option',
      () => compile(tiny, { wieghts: '' } as object),
      'L305 wieghts: there is no such option',
      'weights',
    ],
    ['a wrong name', () => compile(tiny, { name: 'Me' }), "L303 name does not take 'Me'", '@me/model'],
    ['a graph without weights', () => load(tiny), 'L305 weights: tiny is a graph', 'random:1'],
    ['a wrong seed', () => load(tiny, { weights: 'random:x' }), 'L208 random:x is not a seed', 'random:1'],
    ['nothing at the path', () => inspect(at('nowhere')), 'L308', 'downloaded before'],
    ['no model', () => inspect({} as Graph), 'L308 an object is not a model', 'what defineModel or compile returned'],
    ['an absent graph file', () => compile(at('absent.ts')), 'L302', 'a graph file'],
    ['too many tokens', () => bench(tiny, { weights: 'random:1', maxTokens: 16 }), 'L403 24 tokens', 'larger context'],
    ['an empty prompt', () => run(tiny, [], { weights: 'random:1' }), 'L401', 'at least one token'],
    ['an id outside', () => logits(tiny, [50], { weights: 'random:1' }), 'L402 token id 50', 'ids from 0 to 49'],
    ['an unknown sampling option', () => run(tiny, [1], { weights: 'random:1', topX: 1 } as object), 'L409', 'topK'],
  ])('%s', async (_, work, message, remedy) => {
    const error = await failure(work());
    expect(error.message).toContain(message);
    expect(error.remedy).toContain(remedy);
    expect(error.code).toBe(error.message.slice(0, 4));
    // Only whole commands have flags.
    expect(error.message).not.toMatch(/(?<!lamella compile [^,]*)--[a-z]/);
  });

  const none = [null, [], new Map([['quant', 'q4']]), new Date(0), () => {}, 5] as unknown as object[];
  test.each(none.map((options) => [options]))('options that are no object: %o', async (options) => {
    for (const work of [
      () => compile(tiny, options),
      () => load(tiny, options),
      () => inspect(tiny, options),
      () => run(tiny, [1], options),
      () => logits(tiny, [1], options),
      () => bench(tiny, options),
      () => oracle(tiny, [1], options),
    ])
      expect((await failure(work())).message).toMatch(
        /^L303 options does not take .*\. Try an object, or leaving it out$/,
      );
    expect((await check(tiny, options)).errors.map(({ code }) => code)).toEqual(['L303']);
  });

  test('options are read once, at the call; inherited ones are checked too', async () => {
    const options = { weights: 'random:1', quant: 'q4' as FormatName, target: ['wasm' as Target] };
    const working = compile(tiny, options);
    options.target.push('webgpu');
    Object.assign(options, { weights: 'random:x', quant: 'f32' });
    const called = await working;
    expect(called.manifest.quant).toBe('q4');
    expect(Object.keys(called.files).filter((name) => name.endsWith('.wgsl'))).toEqual([]);
    let reads = 0;
    const { manifest } = await compile(tiny, {
      get quant() {
        return (reads++ === 0 ? 'q4' : 'zz') as FormatName;
      },
    });
    expect([manifest.quant, reads]).toEqual(['q4', 1]);
    const inherited = Object.create({ quant: 'zz' });
    expect((await failure(inspect(tiny, inherited))).message).toContain("L303 quant does not take 'zz'");
  });

  test.each([[{}], [null], [{ files: {} }]])('write takes a package in memory, not %o', async (model) => {
    expect((await failure(write(model as never, at('unwritten')))).message).toMatch(/^L308 /);
    await expect(readdir(at('unwritten'))).rejects.toThrow('ENOENT');
  });

  test('write takes no package on disk', async () => {
    const onDisk = await compile(tiny, { out: at('on-disk') });
    expect((await failure(write(onDisk as never, at('unwritten')))).message).toContain('it is not a package in memory');
  });

  test('a model is loaded for as many sessions as the option says', async () => {
    const model = await load(tiny, { weights: 'random:1', sessions: 1 });
    await model.session();
    await expect(model.session()).rejects.toThrow('L446');
    model.dispose();
  });

  test('a compiled package takes no choices of compiling', async () => {
    const compiled = await compile(tiny, { weights: 'random:1' });
    for (const work of [run(compiled, [1], { quant: 'q4' }), inspect(compiled, { quant: 'q4' })]) {
      const { message } = await failure(work);
      expect(message).toMatch(/^L305 quant: tiny is compiled already/);
    }
    expect((await failure(compile(compiled as AnyModel))).message).toContain('L305 model: tiny is compiled already');
  });
});

describe('abort', () => {
  /** Aborts at the first progress of `step`; the reason is an error of the caller's own. */
  function aborting(step: string) {
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = (progress: { readonly step: string }) => {
      if (progress.step === step) controller.abort(reason);
    };
    return { reason, options: { signal: controller.signal, onProgress } };
  }

  test('before: nothing starts', async () => {
    const signal = AbortSignal.abort(new Error('never'));
    await mkdir(at('before'));
    await expect(compile(at('no-such.ts'), { signal, out: at('before', 'p') })).rejects.toThrow('never');
    await expect(load(tiny, { signal, weights: 'random:1' })).rejects.toThrow('never');
    await expect(run(tiny, [1], { signal, weights: 'random:1' })).rejects.toThrow('never');
    expect(await readdir(at('before'))).toEqual([]);
  });

  test('while weights are packed: the old package stays, and nothing else', async () => {
    await mkdir(at('aborted'));
    const old = await compile(tiny, { weights: 'random:1', out: at('aborted', 'p') });
    const before = await filesIn(old.folder);
    const { reason, options } = aborting('packing weights');
    for (const out of [old.folder, at('aborted', 'deep', 'new')]) {
      await expect(compile(tiny, { ...options, weights: 'random:2', out })).rejects.toBe(reason);
    }
    expect(await filesIn(old.folder)).toEqual(before);
    expect(await readdir(at('aborted'))).toEqual(['p']);
  });

  test('while a checkpoint is compiled into the cache: no entry', async () => {
    await writeHubFolder(at('other'), { max_position_embeddings: 32 });
    const { reason, options } = aborting('packing weights');
    await expect(load(at('other'), options)).rejects.toBe(reason);
    expect((await readdir(home.path, { recursive: true })).filter((name) => /cache.*other/.test(name))).toEqual([]);
  });

  test('while weights are loaded, or models are measured', async () => {
    const loading = aborting('loading weights');
    const compiled = await compile(tiny, { weights: 'random:1' });
    await expect(load(compiled, loading.options)).rejects.toBe(loading.reason);
    const measuring = aborting('measuring');
    await expect(bench(compiled, measuring.options)).rejects.toBe(measuring.reason);
  });
});

test('calls at the same time do not disturb each other', async () => {
  const formats = ['f32', 'f16', 'q8', 'q4'] as const;
  const compiled = (quant: (typeof formats)[number]) => compile(at('tiny.ts'), { weights: 'random:1', quant });
  const together = await Promise.all(formats.map(compiled));
  for (const [i, quant] of formats.entries()) expect(filesOf(together[i]!)).toEqual(filesOf(await compiled(quant)));
  const answers = await Promise.all(together.map((each) => logits(each, [1, 2])));
  for (const [i, each] of together.entries()) expect(await logits(each, [1, 2])).toEqual(answers[i]);
  const warned = vi.fn();
  process.on('warning', warned);
  // More than the listeners for an event after which Node warns of a leak.
  await Promise.all([1, 2, 3].flatMap(() => together.map((each) => write(each, at('contended')))));
  process.off('warning', warned);
  expect(warned).not.toHaveBeenCalled();
  const winner = await filesIn(at('contended'));
  expect(together.map(filesOf)).toContainEqual(winner);
});

test('a program that uses everything prints only its own text and ends by itself', async () => {
  await mkdir(at('program'));
  await writeFile(
    at('program', 'program.mts'),
    `import { bench, check, compile, inspect, run } from ${JSON.stringify(import.meta.resolve('lamella'))};
const model = ${JSON.stringify(at('tiny.ts'))};
const { errors } = await check(model);
const compiled = await compile(model, { weights: 'random:1', out: 'out' });
const { parameters } = await inspect(compiled);
const { tokens } = await run(compiled, [1], { maxTokens: 2, threads: 2 });
const { results } = await bench(compiled, { repeat: 1 });
console.log(JSON.stringify([errors.length, parameters, tokens.length, results.length]));
`,
  );
  const outcome = await new Promise((done) => {
    execFile(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), 'program.mts'],
      { cwd: at('program') },
      (...all) => done(all),
    );
  });
  expect(outcome).toEqual([null, `[0,${(await inspect(tiny)).parameters},2,1]\n`, '']);
});

test('types are exact', async () => {
  expectTypeOf(() => compile(tiny, { out: 'p' })).returns.resolves.toHaveProperty('folder');
  expectTypeOf(() => compile(tiny)).returns.resolves.toHaveProperty('files');
  expectTypeOf(inspect).returns.resolves.toHaveProperty('plannedBytes').toEqualTypeOf<number>();
  expectTypeOf(check).returns.resolves.toHaveProperty('errors').toEqualTypeOf<readonly LamellaError[]>();
  expectTypeOf(run).parameter(0).toEqualTypeOf<AnyModel>();
  expectTypeOf<AnyModel>().not.toBeAny();
  // @ts-expect-error a format that does not exist
  expect((await failure(compile(tiny, { quant: 'q9' }))).code).toBe('L303');
  // @ts-expect-error an option that does not exist
  expect((await failure(inspect(tiny, { weights: 'random:1' }))).code).toBe('L305');
});
