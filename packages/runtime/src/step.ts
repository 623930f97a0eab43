/**
 * The binary interface between a driver and its kernels: the meaning of each word. The compiler
 * prints these numbers into kernels; drivers and tests write the words; all of them import this
 * file. A word has 32 bits; offsets count words unless a comment says bytes.
 */
import type { MemoryPlan, TableRow } from './manifest/manifest.ts';

/** Bytes of a word. */
export const WORD = 4;

/**
 * The step region begins with lines of this many bytes, so that words written by different threads
 * share no cache line.
 */
export const STEP_LINE_BYTES = 64;
const LINE = STEP_LINE_BYTES / WORD;

/**
 * Words of the step region in linear memory, u32. The first cache line holds the inputs of a step.
 */
export const WASM_STEP = {
  /** Tokens already in the cache. */
  position: 0,
  /** Tokens of this tile. */
  count: 1,
  /** Length and address of the execution table. */
  rows: 2,
  table: 3,
  /** Threads that take part. */
  threads: 4,
  /** How often a thread reads a word before it sleeps. */
  patience: 5,
  /** The command that all threads run, and the tile row that `head` computes. */
  command: 6,
  row: 7,
  /** Not 0: threads leave `serve`. */
  stop: 8,
  /** Number of steps begun. Threads wait until it changes. */
  begun: LINE,
  /** Never changes. A thread that waits for this word with a time limit releases its core. */
  never: LINE + 1,
  /** The phase that each thread has reached, one cache line per thread. */
  phases: 2 * LINE,
  /** In the same lines: the barriers in which each thread still sleeps early. */
  early: 2 * LINE + 1,
} as const;

/** Bytes of the step region for this many threads. */
export function wasmStepBytes(threads: number): number {
  return WASM_STEP.phases * WORD + threads * STEP_LINE_BYTES;
}

/**
 * Words of a GPU's step. The kernels that need the first four bind them as a uniform; the other
 * words control the choice of the next token.
 */
export const GPU_STEP = {
  /**
   * i32: position of the step's first token, number of its tokens, and the tile row that the head
   * computes.
   */
  position: 0,
  count: 1,
  row: 2,
  /** u32: hash of the seed. */
  seed: 4,
  /** f32: temperature of the noise, and 1 / temperature for the sum over all tokens. */
  temperature: 5,
  inverse: 6,
} as const;

/** Words of a uniform binding: one vector of four. */
export const GPU_UNIFORM_WORDS = 4;
/** Words of the GPU's step: two vectors of four. */
export const GPU_STEP_WORDS = 8;

/**
 * Words of a row of the execution table, u32. `weights` is the first of the addresses of its weight
 * groups.
 */
export const TABLE_ROW = { kind: 0, state: 1, weights: 2 } as const;

/** The parts of a plan that the addresses of table rows depend on. */
interface Table {
  readonly memory: Pick<MemoryPlan, 'table'>;
  readonly rowWords: number;
}

/** The step region of a memory, as words. */
export function stepWords(memory: ArrayBufferLike, { step }: Pick<MemoryPlan, 'step'>): Uint32Array {
  return new Uint32Array(memory, step.offset, step.bytes / WORD);
}

/** Sets the words named in `values`; the others stay. */
export function writeStep(words: Uint32Array, values: { readonly [word in keyof typeof WASM_STEP]?: number }): void {
  for (const word of Object.keys(values) as (keyof typeof WASM_STEP)[]) words[WASM_STEP[word]] = values[word]!;
}

/** Sets the words of a GPU's step named in `values`; the others stay. */
export function writeGpuStep(
  words: Uint32Array<ArrayBuffer>,
  values: { readonly [word in keyof typeof GPU_STEP]?: number },
): void {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  for (const word of Object.keys(values) as (keyof typeof GPU_STEP)[]) {
    const typed = word === 'temperature' || word === 'inverse' ? floats : words;
    typed[GPU_STEP[word]] = values[word]!;
  }
}

/** Writes the execution table into a memory. */
export function writeTable(memory: ArrayBufferLike, plan: Table & { readonly table: readonly TableRow[] }): void {
  plan.table.forEach(({ kind, state, weights }, row) => {
    const words = new Uint32Array(memory, rowAddress(plan, row), plan.rowWords);
    words[TABLE_ROW.kind] = kind;
    words[TABLE_ROW.state] = state;
    words.set(weights, TABLE_ROW.weights);
  });
}

/** Address in bytes of a row of the execution table. */
export function rowAddress({ memory, rowWords }: Table, row: number): number {
  return memory.table.offset + row * rowWords * WORD;
}

/**
 * Byte offsets of the parts of a list of `length` candidates for the next token: i32 ids, f32
 * logits, and the f32 sum over all tokens. The sum occupies a vector of four alone.
 */
export function candidateList(length: number): {
  readonly ids: number;
  readonly logits: number;
  readonly total: number;
  readonly bytes: number;
} {
  const part = length * WORD;
  return { ids: 0, logits: part, total: 2 * part, bytes: 2 * part + 4 * WORD };
}
