/** What the project promises about speed and size, and whether a run reached it. */
import { labTitle, nativeTitle, onnxTitle, readTitle, titleOf, wllamaTitle } from './line-up.ts';
import type { Load } from './loading.ts';
import { medianOf, type Results, ratioOf } from './results.ts';
import type { Series, Subject } from './rounds.ts';
import { median } from './statistics.ts';

export interface Target {
  readonly what: string;
  readonly threads: number;
  /** Null when this run did not measure it. */
  readonly value: number | null;
  readonly bound: number;
  readonly kind: 'at least' | 'at most';
  readonly unit: string;
}

export const works = { decode: 'decode 128 after 16', prefill: 'prefill 512', long: 'decode 128 after 896' } as const;

const q4 = titleOf({ model: '125m', quant: 'q4', kv: 'f32' });
const q8 = titleOf({ model: '125m', quant: 'q8', kv: 'f32' });
const ls = (quant: 'q4' | 'q8') => titleOf({ model: '125m-ls', quant, kv: 'f32' });
const smallState = titleOf({ model: '125m', quant: 'q4', kv: 'q8' });
const labWork = 'matrix-vector products';

type Pair = readonly [contender: string, work: string];

/** Every target, in the order of the table: for one thread, then for two. */
export function targets(results: Results): Target[] {
  const ratio = (what: string, a: Pair, b: Pair, bounds: readonly [number, number], unit = 'x'): Target[] =>
    bounds.map((bound, i) => {
      const subject = ([contender, work]: Pair): Subject => ({ contender, work, threads: i + 1 });
      return { what, threads: i + 1, value: ratioOf(results, subject(a), subject(b)), bound, kind: 'at least', unit };
    });
  const { decode, prefill, long } = works;
  return [
    ...ratio('q4 decode / wllama Q4_0', [q4, decode], [wllamaTitle, decode], [14, 11]),
    ...ratio('q4 decode / native llama.cpp Q4_0', [q4, decode], [nativeTitle, decode], [1.6, 1.6]),
    ...ratio('q8 decode / ONNX Runtime Web int8', [q8, decode], [onnxTitle, decode], [6, 7]),
    ...ratio('q4 decode / bare kernels', [q4, decode], [labTitle('q4', '125m'), labWork], [0.85, 0.85]),
    ...ratio('q8 decode / bare kernels', [q8, decode], [labTitle('q8', '125m'), labWork], [0.85, 0.85]),
    ...ratio(
      'q4 decode, LS / bare kernels, LS',
      [ls('q4'), decode],
      [labTitle('q4', '125m-ls'), labWork],
      [0.85, 0.85],
    ),
    ...ratio(
      'q8 decode, LS / bare kernels, LS',
      [ls('q8'), decode],
      [labTitle('q8', '125m-ls'), labWork],
      [0.85, 0.85],
    ),
    ...ratio('q8 prefill 512 / ONNX Runtime Web int8', [q8, prefill], [onnxTitle, prefill], [4, 4]),
    ...ratio('q4 prefill 512 / native llama.cpp Q4_0', [q4, prefill], [nativeTitle, prefill], [1.2, 1.2]),
    ...ratio('decode near context 1024 / near 16, KV q8', [smallState, long], [smallState, decode], [0.7, 0.7]),
    ...loadTargets(results),
  ];
}

function loadTargets({ loads, packages, compileMs }: Results): Target[] {
  const facts = packages.find(({ contender }) => contender === q4);
  const perThreads = [1, 2].flatMap((threads): Target[] => {
    const own = loads.find((each) => each.contender === q4 && each.threads === threads)?.loads as
      | readonly Load[]
      | undefined;
    const middle = (value: (load: Load) => number) => (own ? median(own.map(value)) : null);
    const extra = middle(({ growthBytes }) => growthBytes);
    const most = (what: string, value: number | null, bound: number, unit: string): Target => ({
      what,
      threads,
      value,
      bound,
      kind: 'at most',
      unit,
    });
    return [
      most(
        'q4 ready after its bytes arrived',
        middle(({ readyMs }) => readyMs),
        200,
        'ms',
      ),
      most(
        'q4 growth of the renderer beyond the plan',
        extra !== null && facts ? (extra - facts.plannedBytes) / 1e6 : null,
        40,
        'MB',
      ),
      most(
        'kernels compile',
        middle(({ compileMs }) => compileMs),
        30,
        'ms',
      ),
      most(
        'third token / median of later ones',
        middle(({ tokenMs }) => tokenMs[2]! / median(tokenMs.slice(8))),
        1.25,
        'x',
      ),
    ];
  });
  const once = (what: string, value: number | null, bound: number, unit: string): Target => ({
    what,
    threads: 1,
    value,
    bound,
    kind: 'at most',
    unit,
  });
  return [
    ...perThreads.filter(({ threads }) => threads === 1),
    ...perThreads.filter(({ threads }) => threads === 2),
    once('JavaScript and WASM of a package, gzip', facts ? facts.shippedBytes / 1000 : null, 60, 'kB'),
    once('compile 125m q4 with weights', medianOrNull(compileMs.weights), 10_000, 'ms'),
    once('compile 125m q4 without weights', medianOrNull(compileMs.none), 1000, 'ms'),
  ];
}

const medianOrNull = (values: readonly number[]) => (values.length === 0 ? null : median(values));

/** Whether it was reached; null when it was not measured. */
export function reached({ value, bound, kind }: Target): boolean | null {
  if (value === null) return null;
  return kind === 'at least' ? value >= bound : value <= bound;
}

/** The share of a streaming read that the planned bytes of a token over its measured time reach; null when not both were measured. */
export function shareOfRead(results: Results, { contender, work, threads }: Series): number | null {
  const facts = results.packages.find((each) => each.contender === contender);
  const read = results.series.find((each) => each.contender === readTitle && each.threads === threads);
  const tokens = medianOf(results, { contender, work, threads });
  if (!facts || !read || tokens === null || !work.startsWith('decode')) return null;
  return (facts.slowMemoryBytesPerToken * tokens) / 1e9 / median(read.samples);
}

/** How much of its speed sharing keeps: 60 executions of 30 blocks against 30 of 30, and against 60 of 60. */
export function sharingRatios(results: Results): { what: string; threads: number; values: (number | null)[] }[] {
  const rows = (['q4', 'q8'] as const).flatMap((quant) => [
    {
      what: `Lamella ${quant}`,
      of: (model: '125m' | '125m-ls' | '125m-60'): Pair => [titleOf({ model, quant, kv: 'f32' }), works.decode],
    },
    {
      what: `bare kernels ${quant}`,
      of: (model: '125m' | '125m-ls' | '125m-60'): Pair => [labTitle(quant, model), labWork],
    },
  ]);
  return rows.flatMap(({ what, of }) =>
    [1, 2].map((threads) => {
      const subject = (model: '125m' | '125m-ls' | '125m-60'): Subject => {
        const [contender, work] = of(model);
        return { contender, work, threads };
      };
      // time ratios: how many times the base's time a token takes
      const time = (model: '125m-ls' | '125m-60') => ratioOf(results, subject('125m'), subject(model));
      return {
        what,
        threads,
        values: [
          ...(['125m', '125m-ls', '125m-60'] as const).map((model) => medianOf(results, subject(model))),
          time('125m-ls'),
          time('125m-60'),
        ],
      };
    }),
  );
}
