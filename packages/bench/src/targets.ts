/** The project's targets for speed and size, and whether a run reached them. */

import type { InstructionSet } from '@lamella/runtime/choices';
import {
  type LabModel,
  labBytes,
  labTitle,
  nativeTitle,
  newWllamaTitle,
  onnxTitle,
  readTitle,
  titleOf,
  wllamaTitle,
} from './line-up.ts';
import type { Load } from './loading.ts';
import type { Variant } from './models.ts';
import { medianOf, type Results, ratioOf } from './results.ts';
import type { Series, Subject } from './rounds.ts';
import { median, present } from './statistics.ts';

export interface Target {
  readonly what: string;
  readonly threads: number;
  /** Null if this run did not measure it. */
  readonly value: number | null;
  readonly bound: number;
  readonly kind: 'at least' | 'at most';
  readonly unit: string;
}

export const works = {
  decode: 'decode 128 after 16',
  few: 'decode 32 after 16',
  prefill: 'prefill 512',
  long: 'decode 128 after 896',
} as const;

/** The bounds that depend on the CPU, for one thread and for two. */
const bounds = {
  vnni: { wllama: [14, 12], native: [1.6, 1.6], onnx: [6, 7] },
  relaxed: { wllama: [9, 8], native: [1.5, 1.5], onnx: [5, 5] },
  simd: { wllama: [9, 8], native: [1.5, 1.5], onnx: [5, 5] },
  sdot: { wllama: [9, 8], native: [1.5, 1.5], onnx: [5, 5] },
} as const satisfies Record<InstructionSet, Record<string, readonly [number, number]>>;

type Kv = Variant['kv'];
const base = (quant: 'q4' | 'q8', kv: Kv = 'f32') => titleOf({ model: '125m', quant, kv });
const shared = (quant: 'q4' | 'q8', kv: Kv) => titleOf({ model: '125m-ls', quant, kv });
const q4 = base('q4');
const labWork = 'matrix-vector products';

type Pair = readonly [contender: string, work: string];

/** All targets, in the order of the table: for one thread, then for two. */
export function targets(results: Results): Target[] {
  const ratio = (what: string, a: Pair, b: Pair, bounds: readonly [number, number], unit = 'x'): Target[] =>
    bounds.map((bound, i) => {
      const subject = ([contender, work]: Pair): Subject => ({ contender, work, threads: i + 1 });
      return { what, threads: i + 1, value: ratioOf(results, subject(a), subject(b)), bound, kind: 'at least', unit };
    });
  const { decode, few, prefill, long } = works;
  const than = bounds[results.machine.instructions];
  // speed targets apply to both formats of keys and values, which are both listed
  const speeds = (kv: Kv): Target[] => {
    const [four, eight] = (['q4', 'q8'] as const).map((quant) => (kv === 'f32' ? quant : `${quant}, KV q8,`));
    const bare = (quant: 'q4' | 'q8', model: '125m' | '125m-ls'): Pair => [labTitle(quant, model), labWork];
    return [
      ...ratio(`${four} decode / wllama Q4_0`, [base('q4', kv), decode], [wllamaTitle, decode], than.wllama),
      ...(kv === 'f32' ? ratio('q4 decode / wllama 3.13 Q4_0', [q4, decode], [newWllamaTitle, few], than.wllama) : []),
      ...ratio(`${four} decode / native llama.cpp Q4_0`, [base('q4', kv), decode], [nativeTitle, decode], than.native),
      ...ratio(`${eight} decode / ONNX Runtime Web int8`, [base('q8', kv), decode], [onnxTitle, decode], than.onnx),
      ...ratio(`${four} decode / bare kernels`, [base('q4', kv), decode], bare('q4', '125m'), [0.9, 0.9]),
      ...ratio(`${eight} decode / bare kernels`, [base('q8', kv), decode], bare('q8', '125m'), [0.9, 0.9]),
      ...ratio(`${four} decode, LS / bare kernels, LS`, [shared('q4', kv), decode], bare('q4', '125m-ls'), [0.9, 0.9]),
      ...ratio(`${eight} decode, LS / bare kernels, LS`, [shared('q8', kv), decode], bare('q8', '125m-ls'), [0.9, 0.9]),
      ...ratio(`${eight} prefill 512 / ONNX Runtime Web int8`, [base('q8', kv), prefill], [onnxTitle, prefill], [4, 4]),
      ...ratio(
        `${four} prefill 512 / native llama.cpp Q4_0`,
        [base('q4', kv), prefill],
        [nativeTitle, prefill],
        [0.9, 0.9],
      ),
    ];
  };
  const small = base('q4', 'q8');
  return [
    ...speeds('f32'),
    ...speeds('q8'),
    ...ratio('q4 decode near context 1024 / near 16, KV q8', [small, long], [small, decode], [0.75, 0.75]),
    ...loadTargets(results),
  ];
}

function loadTargets({ loads, packages, compileMs }: Results): Target[] {
  const facts = packages.find(({ contender }) => contender === q4);
  const perThreads = [1, 2].flatMap((threads): Target[] => {
    const own = (loads.find((each) => each.contender === q4 && each.threads === threads)?.loads ??
      []) as readonly Load[];
    const middle = (value: (load: Load) => number) => medianOrNull(own.map(value));
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

/** Whether it was reached; null if it was not measured. */
export function reached({ value, bound, kind }: Target): boolean | null {
  if (value === null) return null;
  return kind === 'at least' ? value >= bound : value <= bound;
}

/**
 * The planned bytes of a token over its measured time, as a share of a streaming read; null unless
 * both were measured.
 */
export function shareOfRead(results: Results, { contender, work, threads }: Series): number | null {
  const facts = results.packages.find((each) => each.contender === contender);
  const bandwidth = readRate(results, contender.includes('q8') ? 'q8' : 'q4', threads);
  const tokens = medianOf(results, { contender, work, threads });
  if (!facts || !bandwidth || tokens === null || !work.startsWith('decode')) return null;
  return (facts.slowMemoryBytesPerToken * tokens) / 1e9 / bandwidth;
}

/** GB/s of the reading loop that was measured beside this format; null if it was not measured. */
function readRate({ series }: Results, format: 'q4' | 'q8', threads: number): number | null {
  const reads = series.filter((each) => each.contender === readTitle && each.threads === threads);
  const read = reads.find(({ work }) => work.endsWith(format)) ?? reads[0];
  return read ? medianOrNull(present(read.samples)) : null;
}

/**
 * The least time of a token of LS relative to one of its base: a block's first run takes at least
 * the time to read its weights, the second at least that of its arithmetic, which the third shows.
 * Null unless all were measured.
 */
function sharingBound(results: Results, format: 'q4' | 'q8', threads: number): number | null {
  const seconds = (model: LabModel): number | null => {
    const rate = medianOf(results, { contender: labTitle(format, model), work: labWork, threads });
    return rate && 1 / rate;
  };
  const [twice, three] = [seconds('125m-ls'), seconds('125m, three times')];
  const rate = readRate(results, format, threads);
  if (twice === null || three === null || rate === null) return null;
  return 1 + (three - twice) / (labBytes(format) / 1e9 / rate);
}

/**
 * The cost of sharing: 60 executions of 30 blocks, compared with 30 executions of 30 blocks and
 * with 60 of 60; and the bound of the former.
 */
export function sharingRatios(results: Results): { what: string; threads: number; values: (number | null)[] }[] {
  const rows = (['q4', 'q8'] as const).flatMap((quant) => [
    {
      what: `Lamella ${quant}`,
      quant,
      of: (model: '125m' | '125m-ls' | '125m-60'): Pair => [titleOf({ model, quant, kv: 'f32' }), works.decode],
    },
    {
      what: `bare kernels ${quant}`,
      quant,
      of: (model: '125m' | '125m-ls' | '125m-60'): Pair => [labTitle(quant, model), labWork],
    },
  ]);
  return rows.flatMap(({ what, quant, of }) =>
    [1, 2].map((threads) => {
      const subject = (model: '125m' | '125m-ls' | '125m-60'): Subject => {
        const [contender, work] = of(model);
        return { contender, work, threads };
      };
      // time ratios: the time of a token, relative to the base's
      const time = (model: '125m-ls' | '125m-60') => ratioOf(results, subject('125m'), subject(model));
      return {
        what,
        threads,
        values: [
          ...(['125m', '125m-ls', '125m-60'] as const).map((model) => medianOf(results, subject(model))),
          time('125m-ls'),
          sharingBound(results, quant, threads),
          time('125m-60'),
        ],
      };
    }),
  );
}
