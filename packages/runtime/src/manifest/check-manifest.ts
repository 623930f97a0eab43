/**
 * Checks whether a compiler can have written a manifest: the type and range of every field, and
 * every relation between fields. The driver copies weights, writes its table and calls kernels by
 * these numbers without further checks.
 *
 * Facts that only the kernels hold are not checked: bytes of state per position, the weights that a
 * kind reads, places in the arena. A consistent manifest forged with its own SHA-256 may therefore
 * compute other logits, which the golden probe detects, or trap (L425). WASM cannot leave its
 * memory.
 *
 * A page does not contain these checks: there the manifest's own SHA-256 refuses every changed one,
 * without the name of the field. In Node, people write and examine packages.
 */

import { formatNames, kvNames, wasmVariants } from '../choices.ts';
import { LamellaError } from '../lamella-error.ts';
import { STEP_LINE_BYTES, TABLE_ROW, WORD, wasmStepBytes } from '../step.ts';
import { checkGpuTarget, gpuTarget } from './check-gpu-target.ts';
import { checkStateRows, stateRows } from './check-state-rows.ts';
import {
  bytes,
  type Check,
  demand,
  figure,
  fileName,
  hash,
  id,
  integer,
  listOf,
  oneOf,
  orMissing,
  orNull,
  record,
  size,
  text,
  texts,
  WrongValue,
} from './checks.ts';
import type { Manifest, MemoryPlan, Region } from './manifest.ts';

const PAGE = 65_536;
const WEIGHT_CHUNK_BYTES = 4 << 20;

const region = record({ offset: bytes, bytes });

/** In the order of their addresses. */
const regions = ['step', 'tokens', 'logits', 'arena', 'weights', 'state', 'table'] as const satisfies readonly Exclude<
  keyof MemoryPlan,
  'plannedBytes'
>[];

const fields: Check = record({
  name: text,
  vocab: integer(1, 2 ** 30),
  context: integer(1, 2 ** 30),
  tile: integer(1, 2 ** 20),
  maxThreads: integer(1, 1024),
  quant: oneOf(...formatNames),
  kv: oneOf(...kvNames),
  memory: record({ plannedBytes: size, ...Object.fromEntries(regions.map((name) => [name, region])) }),
  kinds: listOf(text, 1),
  rowWords: integer(TABLE_ROW.weights, 1024),
  table: listOf(record({ kind: id, weights: listOf(bytes), state: bytes }), 1),
  states: listOf(listOf(stateRows)),
  rings: orMissing(listOf(orNull(record({ positions: size, window: size, of: oneOf('attention', 'convolution') })))),
  wasm: listOf(record({ file: fileName, variant: oneOf(...wasmVariants), sha256: hash }), 1),
  webgpu: orMissing(listOf(gpuTarget, 1)),
  weights: orNull(
    listOf(record({ file: fileName, offset: bytes, bytes: integer(1, WEIGHT_CHUNK_BYTES), sha256: hash }), 1),
  ),
  tokenizer: orNull(
    record({
      file: fileName,
      sha256: hash,
      config: fileName,
      configSha256: hash,
      eos: listOf(id),
      before: listOf(id),
      after: listOf(id),
      promptPrefix: text,
      promptSuffix: text,
      chat: orMissing(record({ file: fileName, sha256: hash, variables: texts })),
    }),
  ),
  report: record({
    name: text,
    ...figures(
      'parameters',
      'weightSets',
      'executions',
      'stateSlots',
      'weightBytes',
      'arenaBytes',
      'arenaLowerBoundBytes',
      'kvBytes',
      'plannedBytes',
      'kernels',
      'slowMemoryBytesPerToken',
    ),
    wasm: record(figures('wasmBytes', 'dispatchesPerToken', 'pipelines')),
    webgpu: orMissing(
      record(
        figures(
          'wgslBytes',
          'dispatchesPerToken',
          'weightBytesPerToken',
          'pipelines',
          'tokensPerReadback',
          'buffers',
          'bytes',
        ),
      ),
    ),
  }),
  probe: orNull(record({ tokens: listOf(id, 1), indices: listOf(id, 1), logits: listOf(figure, 1) })),
});

function figures(...names: readonly string[]): Readonly<Record<string, Check>> {
  return Object.fromEntries(names.map((name) => [name, figure]));
}

/** L414 for the first wrong value. `place` is the package's. */
export function checkManifest(value: unknown, place: string): void {
  try {
    checkValues(value);
  } catch (cause) {
    if (!(cause instanceof WrongValue)) throw cause;
    const { field, is, must } = cause;
    throw new LamellaError('L414', { field, is, must }, place);
  }
}

function checkValues(value: unknown): void {
  fields(value, '');
  const manifest = value as Manifest;
  checkMemory(manifest);
  checkTable(manifest);
  checkFiles(manifest);
  checkWeights(manifest);
  checkTokens(manifest);
  for (const [i, gpu] of (manifest.webgpu ?? []).entries()) checkGpuTarget(gpu, manifest, `webgpu[${i}]`);
}

function checkMemory({ memory, vocab, tile, table, rowWords, maxThreads }: Manifest): void {
  const planned = memory.plannedBytes;
  demand(planned % PAGE === 0, 'memory.plannedBytes', planned, `a multiple of ${PAGE}`);
  let end = 0;
  for (const name of regions) {
    const { offset, bytes } = memory[name];
    const at = `memory.${name}`;
    demand(
      offset >= end && offset % 4 === 0,
      `${at}.offset`,
      offset,
      `a multiple of 4 from ${end}, the end of the region before it`,
    );
    end = offset + bytes;
    demand(end <= planned, `${at}.bytes`, bytes, `at most ${planned - offset}, the rest of the memory`);
  }
  const holds = (name: (typeof regions)[number], least: number) =>
    demand(memory[name].bytes >= least, `memory.${name}.bytes`, memory[name].bytes, `at least ${least}`);
  holds('step', maxThreads > 1 ? wasmStepBytes(maxThreads) : STEP_LINE_BYTES);
  holds('tokens', WORD * tile);
  holds('logits', WORD * vocab);
  holds('table', WORD * rowWords * table.length);
}

function checkTable({ table, kinds, rowWords, memory, context, states, rings }: Manifest): void {
  const firstOf = new Map<number, number>();
  for (const [i, { kind, weights, state }] of table.entries()) {
    const at = `table[${i}]`;
    demand(kind < kinds.length, `${at}.kind`, kind, `below ${kinds.length}, the number of kinds`);
    demand(
      weights.length <= rowWords - TABLE_ROW.weights,
      `${at}.weights`,
      weights,
      `at most ${rowWords - TABLE_ROW.weights} addresses`,
    );
    for (const [j, address] of weights.entries()) checkAddress(address, memory.weights, `${at}.weights[${j}]`);
    if (state !== 0) checkAddress(state, memory.state, `${at}.state`);
    const first = firstOf.get(kind) ?? i;
    firstOf.set(kind, first);
    const alike = table[first]!;
    const count = alike.weights.length;
    demand(
      weights.length === count,
      `${at}.weights`,
      weights,
      `${count} addresses, like table[${first}] of the same kind`,
    );
    const as = `${alike.state === 0 ? 0 : 'an address'}, like table[${first}] of the same kind`;
    demand((state === 0) === (alike.state === 0), `${at}.state`, state, as);
  }
  for (const [i, ring] of (rings ?? []).entries()) {
    if (!ring) continue;
    const { positions, window } = ring;
    demand(window <= positions && positions < context, `rings[${i}]`, ring, `a window in a ring below ${context}`);
  }
  demand(states.length === kinds.length, 'states.length', states.length, `${kinds.length}, the number of kinds`);
  checkStates({ table, states }, memory.state, (kind) => rings?.[kind]?.positions ?? context);
}

/**
 * Checks that the slots fill their region, and that slots of one kind have equal length. Executions
 * that read the keys and values of an earlier one have its slot.
 */
function checkStates(
  { table, states }: Pick<Manifest, 'table' | 'states'>,
  region: Region,
  positionsOf: (kind: number) => number,
): void {
  const owners = [...table.entries()].filter(
    ([i, { state }]) => state !== 0 && table.findIndex((row) => row.state === state) === i,
  );
  const slots = owners.sort(([, a], [, b]) => a.state - b.state);
  const lengths = new Map<number, number>();
  for (const [n, [i, { kind, state }]] of slots.entries()) {
    const length = (slots[n + 1]?.[1].state ?? region.offset + region.bytes) - state;
    // At least one byte for a key and one for a value; the real number is known only to the
    // kernels.
    demand(
      length >= 2 * positionsOf(kind),
      `table[${i}].state`,
      state,
      `${2 * positionsOf(kind)} bytes or more before the next, for ${positionsOf(kind)} tokens`,
    );
    checkStateRows(states[kind]!, length, `states[${kind}]`);
    const usual = lengths.get(kind) ?? length;
    lengths.set(kind, usual);
    demand(
      length === usual,
      `table[${i}].state`,
      state,
      `${usual} bytes before the next, like others of the same kind`,
    );
  }
}

function checkAddress(address: number, { offset, bytes }: Region, field: string): void {
  const within = address >= offset && address <= offset + bytes && address % 4 === 0;
  demand(within, field, address, `a multiple of 4 from ${offset} to ${offset + bytes}`);
}

function checkFiles({ wasm, webgpu = [], weights, tokenizer }: Manifest): void {
  demand(
    wasm.some(({ variant }) => variant === 'simd'),
    'wasm',
    wasm.map(({ variant }) => variant),
    'a list of kernels with the variant "simd"',
  );
  const names = new Map<string, string>([['manifest.json', 'the manifest']]);
  const claim = (file: string, field: string) => {
    const holder = names.get(file);
    demand(holder === undefined, field, file, `a name that no other file has: ${holder} has it`);
    names.set(file, field);
  };
  for (const [i, { file, variant }] of wasm.entries()) {
    claim(file, `wasm[${i}].file`);
    const first = wasm.findIndex((other) => other.variant === variant);
    demand(first === i, `wasm[${i}].variant`, variant, `a variant that no other kernels have: wasm[${first}] has it`);
  }
  for (const [i, { file }] of webgpu.entries()) claim(file, `webgpu[${i}].file`);
  for (const [i, { file }] of (weights ?? []).entries()) claim(file, `weights[${i}].file`);
  if (tokenizer) {
    claim(tokenizer.file, 'tokenizer.file');
    claim(tokenizer.config, 'tokenizer.config');
    if (tokenizer.chat) claim(tokenizer.chat.file, 'tokenizer.chat.file');
  }
}

/** Checks that the chunks follow each other and fill their region. */
function checkWeights({ weights, memory }: Manifest): void {
  if (!weights) return;
  let end = 0;
  for (const [i, { offset, bytes }] of weights.entries()) {
    demand(offset === end, `weights[${i}].offset`, offset, `${end}, where the chunk before it ends`);
    end += bytes;
  }
  const whole = memory.weights.bytes;
  demand(
    end === whole,
    `weights[${weights.length - 1}].bytes`,
    weights.at(-1)!.bytes,
    `a size that makes all chunks ${whole} bytes together: they have ${end}`,
  );
}

function checkTokens({ vocab, context, tokenizer, probe, weights }: Manifest): void {
  const known = (ids: readonly number[], field: string) => {
    for (const [i, token] of ids.entries())
      demand(token < vocab, `${field}[${i}]`, token, `below ${vocab}, the size of the vocabulary`);
  };
  if (tokenizer) {
    known(tokenizer.eos, 'tokenizer.eos');
    known(tokenizer.before, 'tokenizer.before');
    known(tokenizer.after, 'tokenizer.after');
  }
  if (!probe) return;
  demand(weights !== null, 'probe', probe, 'null, because there are no weights');
  demand(probe.tokens.length <= context, 'probe.tokens', probe.tokens, `at most ${context} tokens, the context`);
  demand(
    probe.logits.length === probe.indices.length,
    'probe.logits',
    probe.logits,
    `as many as probe.indices, ${probe.indices.length}`,
  );
  known(probe.tokens, 'probe.tokens');
  known(probe.indices, 'probe.indices');
}
