/**
 * Reads thousands of damaged checkpoints. Each case begins as a good file, is damaged in one to
 * three ways, and must then be read, or refused with a LamellaError, in little time and memory. A
 * failure names the seed that reproduces it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { architectures } from '../src/gguf/architectures.ts';
import { ggufTokenizer, readGgufDecoder } from '../src/gguf/model.ts';
import { openWeights } from '../src/open.ts';
import { randomTensor } from '../src/random.ts';
import { ggufFile, u32, u64, type Value, value } from './gguf-file.ts';
import { tinyGraph } from './tiny-graph.ts';
import { archive, joined, op, orderedDict, stateDict, tensorOps, zipFile } from './torch-file.ts';

/** The most CPU time that a case may take, and the most that the process may grow during a run. */
const maxMilliseconds = 5000;
const maxGrowthBytes = 400 << 20;

const graph = tinyGraph();
const values = graph.weights.map(({ name, shape }) => {
  const f32 = new Uint8Array(randomTensor(1, { name, shape, role: 'matrix' }).buffer);
  return { name, shape, f32 };
});

/** A GGUF file is opened directly, not its folder. */
const ggufName = 'model.gguf';

/** Files of a folder by name. */
type Files = Record<string, Uint8Array>;

/** Numbers in [0, below), from a seed: xorshift32. */
class Dice {
  #state: number;
  readonly #calm: number;
  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b9) | 1;
    this.#calm = 1 + this.below(8) ** 2;
  }
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
  /**
   * True once in so many times; in some cases nearly always, in others hardly ever, so that each
   * kind of damage also occurs alone.
   */
  rarely(times: number): boolean {
    return this.below(times * this.#calm) === 0;
  }
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** False sizes. */
const lies = [0, 1, -1, 2, 7, 255, 65535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 40, 2 ** 53 - 1, 2 ** 63, 1e300, 0.5];
const orLie = (dice: Dice, truth: number) => (dice.rarely(12) ? dice.of(lies) : truth);
const dtypes = ['F32', 'F16', 'BF16', 'F64', 'I64', 'BOOL', 'F4', 'F6_E2M3', '', '__proto__'];

function safetensors(dice: Dice, tensors: typeof values): Uint8Array {
  let begin = 0;
  const entries = tensors.map(({ name, shape, f32 }) => {
    const end = begin + f32.length;
    const offsets = dice.rarely(30) ? [end, begin] : [orLie(dice, begin), orLie(dice, end)];
    const deep = dice.rarely(40) ? `${'['.repeat(50_000)}${']'.repeat(50_000)}` : null;
    const dtype = dice.rarely(20) ? dice.of(dtypes) : 'F32';
    begin = end;
    const sizes = deep ?? JSON.stringify(shape.map((size) => orLie(dice, size)));
    return `${JSON.stringify(dice.rarely(30) ? dice.of(['__metadata__', '__proto__', 'model.norm.weight']) : name)}:{"dtype":"${dtype}","shape":${sizes},"data_offsets":${JSON.stringify(offsets)}}`;
  });
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(
    0,
    dice.rarely(15) ? BigInt(Math.floor(Math.abs(dice.of(lies)) % 2 ** 63)) : BigInt(json.length),
    true,
  );
  return joined([length, json, ...tensors.map(({ f32 }) => f32)]);
}

/** Malicious pickles, which try to run code, to grow, to nest, to recall. */
const bombs: readonly (() => Uint8Array)[] = [
  () => joined([op.global('os', 'system'), op.mark, op.text('exit 1'), op.tuple, op.reduce]),
  () => joined([op.global('builtins', 'exec'), op.mark, op.text('raise'), op.tuple, op.reduce]),
  () => joined(Array.from({ length: 20_000 }, () => Uint8Array.of(0x28, 0x85))), // MARK TUPLE1, repeated
  () => joined([op.emptyTuple, ...Array.from({ length: 60_000 }, () => Uint8Array.of(0x85))]), // a tuple in a tuple in a tuple
  () =>
    joined([
      op.emptyTuple,
      ...Array.from({ length: 200 }, (_, i) => joined([op.put(i), op.get(i), Uint8Array.of(0x86)])),
    ]), // 2^200 leaves
  () => joined([op.dict, op.put(1), op.text('self'), op.get(1), new TextEncoder().encode('s')]), // a dictionary that contains itself
  () => new Uint8Array(300_000).fill(0x7d),
  () => new Uint8Array(300_000).fill(0x28),
  () => joined(Array.from({ length: 5000 }, (_, i) => joined([op.dict, op.put(i * 800_000)]))),
  () => Uint8Array.of(0x58, 0xff, 0xff, 0xff, 0x7f),
  () => Uint8Array.of(0x8a, 0xff),
  () => Uint8Array.of(0x8b, 0xff, 0xff, 0xff, 0x7f), // LONG4
  () => Uint8Array.of(0x95, 255, 255, 255, 255, 255, 255, 255, 127), // FRAME
  () => orderedDict,
];

function torchBin(dice: Dice, tensors: typeof values): Uint8Array {
  const items = tensors.map(({ name, shape, f32 }, key) => {
    const view = {
      storage: dice.rarely(30) ? dice.of(['0', '99', '../0', '']) : String(key),
      type: dice.rarely(20) ? dice.of(['HalfStorage', 'LongStorage', 'QInt8Storage', 'load']) : 'FloatStorage',
      elements: orLie(dice, f32.length / 4),
      offset: orLie(dice, 0),
      shape: shape.map((size) => orLie(dice, size)),
    };
    const value = dice.rarely(12) ? dice.of(bombs)() : tensorOps(view);
    return [name, value] as const;
  });
  const pickle = stateDict(items);
  const storages = Object.fromEntries(tensors.map(({ f32 }, key) => [String(key), f32]));
  if (dice.below(2) === 0) return archive(pickle, storages, { wide: dice.below(2) === 0 });
  const entries = [
    { name: 'archive/data.pkl', data: pickle },
    ...tensors.map(({ f32 }, key) => ({ name: `archive/data/${key}`, data: f32 })),
  ].map((entry) => {
    switch (dice.below(12)) {
      case 0:
        return { ...entry, size: Math.abs(Math.floor(dice.of(lies))) };
      case 1:
        return { ...entry, at: Math.abs(Math.floor(dice.of(lies))) };
      case 2:
        return { ...entry, method: 8, size: 2 ** 31 };
      case 3:
        return { ...entry, name: dice.of(['archive/data.pkl', '/', '', 'x'.repeat(60_000)]) };
      default:
        return entry;
    }
  });
  return zipFile(entries, { wide: dice.below(2) === 0 });
}

/** Two shards and an index that confuses them. */
function sharded(
  dice: Dice,
  extension: string,
  indexName: string,
  file: (dice: Dice, tensors: typeof values) => Uint8Array,
): Files {
  const half = 1 + dice.below(values.length - 1);
  const names = [`a.${extension}`, `b.${extension}`] as const;
  const places = [...names, indexName, 'a', '.', '..', '../a', '', '/dev/zero', 7, null, {}, [[]], 'x\0y'];
  const map = values.map(({ name }, i) => [name, dice.rarely(15) ? dice.of(places) : names[i < half ? 0 : 1]]);
  return {
    [names[0]]: file(dice, values.slice(0, half)),
    [names[1]]: file(dice, values.slice(dice.rarely(20) ? 0 : half)),
    [indexName]: new TextEncoder().encode(JSON.stringify({ weight_map: Object.fromEntries(map) })),
  };
}

/** GGUF's names for tensors. */
const ggmlNames: Readonly<Record<string, string>> = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
};

/** Metadata of some architecture, of which some is missing, of another type or false. */
function ggufPairs(dice: Dice): (readonly [string, Value])[] {
  const architecture = dice.below(2) === 0 ? 'llama' : dice.of([...architectures.keys()]);
  const counts = {
    [`${architecture}.embedding_length`]: 4,
    [`${architecture}.block_count`]: 2,
    [`${architecture}.feed_forward_length`]: 8,
    [`${architecture}.context_length`]: 16,
    [`${architecture}.attention.head_count`]: 2,
    [`${architecture}.attention.head_count_kv`]: 2,
    [`${architecture}.attention.sliding_window`]: 0,
    [`${architecture}.rope.dimension_count`]: 2,
    [`${architecture}.shortconv.l_cache`]: 3,
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
  };
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, 'a', 'b', 'ab'];
  const types = tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1));
  const other = (): Value =>
    dice.of<() => Value>([
      () => ({ type: orLie(dice, dice.below(13)), bytes: u64(dice.below(100)) }),
      () => value.string(dice.of(['', '__proto__', 'constructor', 'x'.repeat(5000)])),
      () => value.array(dice.below(14), [u32(dice.below(10))], dice.of([0, 1, 2, 1e6, 1e15])),
      () => value.array(9, [u32(9), u64(1), u32(9), u64(1), u32(9), u64(1), u32(9), u64(1)]),
      () => value.i32s([1, 2, 3]),
      () => value.f32(Number.NaN),
    ])();
  const pairs: (readonly [string, Value])[] = [
    ['general.architecture', value.string(dice.rarely(20) ? dice.of(['', 'gpt2', '__proto__']) : architecture)],
    ...Object.entries(counts).map(([key, count]) => [key, value.u32(orLie(dice, count))] as const),
    [`${architecture}.attention.layer_norm_rms_epsilon`, value.f32(orLie(dice, 1e-5))],
    [`${architecture}.attention.layer_norm_epsilon`, value.f32(orLie(dice, 1e-5))],
    [`${architecture}.rope.scaling.type`, value.string(dice.of(['none', 'linear', 'yarn', 'longrope']))],
    [`${architecture}.rope.scaling.factor`, value.f32(orLie(dice, 1))],
    ['tokenizer.ggml.model', value.string(dice.of(['llama', 'gpt2']))],
    ['tokenizer.ggml.pre', value.string(dice.of(['gpt-2', 'llama-bpe', 'qwen2', 'default']))],
    ['tokenizer.ggml.tokens', value.strings(tokens)],
    ['tokenizer.ggml.scores', value.f32s(tokens.map((_, i) => orLie(dice, -i)))],
    ['tokenizer.ggml.token_type', value.i32s(types.map((type) => (dice.rarely(500) ? dice.below(9) : type)))],
    ['tokenizer.ggml.merges', value.strings(dice.rarely(5) ? ['ab', ' a', 'a b c'] : ['a b'])],
  ];
  return pairs.flatMap((pair): (readonly [string, Value])[] => {
    if (dice.rarely(40)) return [];
    if (dice.rarely(40)) return [pair, pair];
    return [dice.rarely(30) ? [pair[0], other()] : pair];
  });
}

function gguf(dice: Dice): Uint8Array {
  const tensors = values.map(({ name, shape, f32 }) => ({
    name: dice.rarely(30)
      ? dice.of([
          '',
          '__proto__',
          'constructor.weight',
          'blk.0.attn_q.weight',
          'rope_freqs.weight',
          'blk.1.attn_qkv.weight',
        ])
      : (ggmlNames[name] ?? name),
    shape: shape.map((size) => orLie(dice, size)),
    data: f32,
    ...(dice.rarely(15) ? { type: dice.of([1, 2, 8, 12, 14, 20, 30, 4, 99, 2 ** 31]) } : {}),
    ...(dice.rarely(30) ? { offset: Math.abs(Math.floor(dice.of(lies))) % 2 ** 60 } : {}),
  }));
  return ggufFile(ggufPairs(dice), tensors, {
    ...(dice.rarely(20) ? { version: dice.below(5) } : {}),
    ...(dice.rarely(20) ? { tensorCount: Math.floor(dice.of(lies)) % 2 ** 62 } : {}),
    ...(dice.rarely(20) ? { pairCount: Math.floor(dice.of(lies)) % 2 ** 62 } : {}),
  });
}

/** A subject of fuzzing: files of a folder that is then opened. */
export const formats: Readonly<Record<string, (dice: Dice) => Files>> = {
  gguf: (dice) => ({ [ggufName]: gguf(dice) }),
  safetensors: (dice) => ({ 'model.safetensors': safetensors(dice, values) }),
  'sharded safetensors': (dice) => sharded(dice, 'safetensors', 'model.safetensors.index.json', safetensors),
  'torch bin': (dice) => ({ 'pytorch_model.bin': torchBin(dice, values) }),
  'sharded torch bin': (dice) => sharded(dice, 'bin', 'pytorch_model.bin.index.json', torchBin),
};

/** Changes, cuts off, doubles, moves or inserts bytes. */
function damaged(dice: Dice, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = dice.below(bytes.length);
  switch (dice.below(6)) {
    case 0:
      return bytes.slice(0, at);
    case 1: {
      const from = dice.below(bytes.length);
      return joined([bytes.subarray(0, at), bytes.subarray(from, from + dice.below(100)), bytes.subarray(at)]);
    }
    case 2:
      return joined([bytes.subarray(0, at), bytes.subarray(at + dice.below(20))]);
    default: {
      const changed = bytes.slice();
      const count = 1 + dice.below(8);
      for (let i = 0; i < count; i++)
        changed[Math.min(changed.length - 1, at + i)] = dice.of([0, 1, 0x7f, 0x80, 0xff, dice.below(256)]);
      return changed;
    }
  }
}

/**
 * Damages files of one format a number of times or for some time, from `seed` on. Returns the
 * numbers of refused and of read cases; throws if a case is neither, or slow, or if memory grows.
 */
export async function fuzz(
  format: string,
  { cases = Number.POSITIVE_INFINITY, milliseconds = Number.POSITIVE_INFINITY },
  seed = 1,
): Promise<{ refused: number; read: number }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lamella-fuzz-'));
  const counts = { refused: 0, read: 0 };
  const before = process.memoryUsage.rss();
  try {
    const end = seed + cases;
    for (const until = Date.now() + milliseconds; seed < end && Date.now() < until; seed++) {
      const began = process.cpuUsage();
      counts[await outcome(format, seed, path.join(folder, String(seed)), graph)]++;
      const { user, system } = process.cpuUsage(began);
      const computed = (user + system) / 1000;
      if (computed > maxMilliseconds) throw new Error(`${format}, seed ${seed}: it took ${computed} ms`);
      const growth = process.memoryUsage.rss() - before;
      if (growth > maxGrowthBytes) throw new Error(`${format}, seed ${seed}: memory has grown by ${growth >> 20} MiB`);
    }
    return counts;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function outcome(format: string, seed: number, folder: string, of: Graph): Promise<'refused' | 'read'> {
  const dice = new Dice(seed);
  const files = formats[format]!(dice);
  await mkdir(folder);
  for (const [name, bytes] of Object.entries(files)) {
    let broken = bytes;
    for (let times = 0; times < 3; times++) if (dice.rarely(2)) broken = damaged(dice, broken);
    await writeFile(path.join(folder, name), broken);
  }
  const { [ggufName]: isGguf } = files;
  const checkpoint = isGguf ? path.join(folder, ggufName) : folder;
  try {
    if (isGguf) {
      await readOrRefused(() => readGgufDecoder(checkpoint), `${format}, seed ${seed}`);
      await readOrRefused(() => ggufTokenizer(checkpoint), `${format}, seed ${seed}`);
    }
    return await readOrRefused(() => readAll(checkpoint, of), `${format}, seed ${seed}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function readAll(checkpoint: string, of: Graph): Promise<void> {
  const source = await openWeights(checkpoint, of);
  try {
    for (const weight of of.weights) await source.read(weight);
  } finally {
    await source.close();
  }
}

/** Throws if the reader neither reads nor refuses with a message. */
async function readOrRefused(read: () => Promise<unknown>, which: string): Promise<'refused' | 'read'> {
  try {
    await read();
    return 'read';
  } catch (error) {
    const inWords =
      error instanceof LamellaError && /^L2\d\d .*Try /s.test(error.message) && error.message.length < 20_000;
    if (inWords) return 'refused';
    throw new Error(`${which}: not refused in words: ${String((error as Error).stack).slice(0, 1000)}`);
  }
}
