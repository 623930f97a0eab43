/**
 * Whether a manifest can be what a compiler wrote: every field's kind and range, and everything that must agree with something else. The driver
 * copies weights, writes its table and calls kernels by these numbers without another look.
 *
 * What only the kernels know is not seen here: how many bytes of state a position takes, which weights a kind reads, where in the arena they lie. A
 * manifest that was forged with a SHA-256 of its own and contradicts itself nowhere may compute other logits, which the golden probe tells,
 * or trap (L425); WASM cannot leave its memory.
 */

import { formatNames, kvNames, wasmVariants } from '../choices.ts';
import { candidateList, GPU_STEP_WORDS, STEP_LINE_BYTES, TABLE_ROW, WORD, wasmStepBytes } from '../step.ts';
import {
  type Check,
  demand,
  figure,
  fileName,
  hash,
  integer,
  listOf,
  oneOf,
  orMissing,
  orNull,
  record,
  text,
} from './checks.ts';
import type { Manifest, MemoryPlan, Region } from './manifest.ts';
import type { GpuKernel, GpuPlace, GpuTarget } from './webgpu-manifest.ts';

/** All that WASM can address. */
const MOST_BYTES = 2 ** 32;
const PAGE = 65_536;
const CHUNK_BYTES = 4 << 20;
const GPU_STEP_BYTES = WORD * GPU_STEP_WORDS;

const bytes = integer(0, MOST_BYTES);
const size = integer(1, MOST_BYTES);
const id = integer(0, 2 ** 31 - 1);
const region = record({ offset: bytes, bytes });

/** In the order in which they lie in memory. */
const regions = ['step', 'tokens', 'logits', 'arena', 'weights', 'state', 'table'] as const satisfies readonly Exclude<
  keyof MemoryPlan,
  'plannedBytes'
>[];

const extent = record({ constant: id, position: oneOf(0, 1), count: oneOf(0, 1), per: integer(1, 2 ** 31 - 1) });
const place = record({ buffer: id, offset: bytes });
const target = record({
  file: fileName,
  sha256: hash,
  profile: text,
  needs: listOf(text),
  kernels: listOf(
    record({
      name: text,
      lanes: integer(1, 1024),
      grid: listOf(extent, 0, 3),
      bindings: listOf(
        record({
          resource: oneOf('step', 'memory', 'constants', 'history', 'candidates', 'weights', 'state'),
          group: id,
          offset: bytes,
          bytes: size,
          access: oneOf('uniform', 'read', 'read_write'),
        }),
        1,
        1000,
      ),
    }),
    1,
  ),
  kinds: listOf(record({ decode: listOf(id), prefill: listOf(id) })),
  argmax: id,
  draw: id,
  candidates: record({ kernel: id, lanes: integer(1, 1024), each: integer(1, 1024) }),
  layout: record({
    memory: size,
    constants: bytes,
    history: size,
    candidates: size,
    step: integer(GPU_STEP_BYTES, MOST_BYTES),
    tokens: bytes,
    logits: bytes,
    weights: listOf(size),
    states: listOf(size),
    copies: listOf(record({ from: bytes, bytes, to: orNull(place) })),
    rows: listOf(record({ weights: listOf(place), state: orNull(place) })),
    bytes: figure,
  }),
  chunk: integer(1, 4096),
});

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
  wasm: listOf(record({ file: fileName, variant: oneOf(...wasmVariants), sha256: hash }), 1),
  webgpu: orMissing(listOf(target, 1)),
  weights: orNull(listOf(record({ file: fileName, offset: bytes, bytes: integer(1, CHUNK_BYTES), sha256: hash }), 1)),
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

/** Throws `WrongValue` for the first value that cannot be. */
export function checkManifest(value: unknown): asserts value is Manifest {
  fields(value, '');
  const manifest = value as Manifest;
  checkMemory(manifest);
  checkTable(manifest);
  checkFiles(manifest);
  checkWeights(manifest);
  checkTokens(manifest);
  for (const [i, gpu] of (manifest.webgpu ?? []).entries()) checkGpu(gpu, manifest, `webgpu[${i}]`);
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
      `a multiple of 4 from ${end}, where what lies before it ends`,
    );
    end = offset + bytes;
    demand(end <= planned, `${at}.bytes`, bytes, `at most ${planned - offset}, for the memory ends there`);
  }
  const holds = (name: (typeof regions)[number], least: number) =>
    demand(memory[name].bytes >= least, `memory.${name}.bytes`, memory[name].bytes, `at least ${least}`);
  holds('step', maxThreads > 1 ? wasmStepBytes(maxThreads) : STEP_LINE_BYTES);
  holds('tokens', WORD * tile);
  holds('logits', WORD * vocab);
  holds('table', WORD * rowWords * table.length);
}

function checkTable({ table, kinds, rowWords, memory, context }: Manifest): void {
  const firstOf = new Map<number, number>();
  for (const [i, { kind, weights, state }] of table.entries()) {
    const at = `table[${i}]`;
    demand(kind < kinds.length, `${at}.kind`, kind, `below ${kinds.length}, for there are so many kinds`);
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
    demand(weights.length === count, `${at}.weights`, weights, `${count} addresses: table[${first}] is of its kind`);
    const as = `${alike.state === 0 ? 0 : 'an address'}: table[${first}] is of its kind`;
    demand((state === 0) === (alike.state === 0), `${at}.state`, state, as);
  }
  checkStates(table, memory.state, context);
}

/** Every execution that has state has a slot of its own; the slots fill their region, and those of a kind are as long as each other. */
function checkStates(table: Manifest['table'], region: Region, context: number): void {
  const slots = [...table.entries()].filter(([, { state }]) => state !== 0).sort(([, a], [, b]) => a.state - b.state);
  const lengths = new Map<number, number>();
  for (const [n, [i, { kind, state }]] of slots.entries()) {
    const length = (slots[n + 1]?.[1].state ?? region.offset + region.bytes) - state;
    // A key and a value of a byte each: how many there are is the kernels' own.
    demand(
      length >= 2 * context,
      `table[${i}].state`,
      state,
      `${2 * context} bytes or more before the next, for ${context} tokens`,
    );
    const usual = lengths.get(kind) ?? length;
    lengths.set(kind, usual);
    demand(length === usual, `table[${i}].state`, state, `${usual} bytes before the next, as others of its kind`);
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
    'kernels that name "simd" among them',
  );
  const names = new Map<string, string>([['manifest.json', 'the manifest']]);
  const claim = (file: string, field: string) => {
    const holder = names.get(file);
    demand(holder === undefined, field, file, `a name of its own: ${holder} has it`);
    names.set(file, field);
  };
  for (const [i, { file, variant }] of wasm.entries()) {
    claim(file, `wasm[${i}].file`);
    const first = wasm.findIndex((other) => other.variant === variant);
    demand(first === i, `wasm[${i}].variant`, variant, `another one: wasm[${first}] has it`);
  }
  for (const [i, { file }] of webgpu.entries()) claim(file, `webgpu[${i}].file`);
  for (const [i, { file }] of (weights ?? []).entries()) claim(file, `weights[${i}].file`);
  if (tokenizer) {
    claim(tokenizer.file, 'tokenizer.file');
    claim(tokenizer.config, 'tokenizer.config');
  }
}

/** The chunks follow each other and fill their region. */
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
    `such that all chunks have ${whole} bytes: they have ${end}`,
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
  demand(weights !== null, 'probe', probe, 'null, for there are no weights');
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

function checkGpu(
  { kernels, kinds, argmax, draw, candidates, layout }: GpuTarget,
  manifest: Manifest,
  at: string,
): void {
  const { vocab, tile, context, table, memory } = manifest;
  const holds = (field: string, bytes: number, least: number) =>
    demand(bytes >= least, `${at}.layout.${field}`, bytes, `at least ${least}`);
  holds('history', layout.history, 4 * (context + 1));
  holds('candidates', layout.candidates, candidateList(candidates.lanes * candidates.each).bytes);
  holds('memory', layout.memory, Math.max(layout.tokens + 4 * tile, layout.logits + 4 * vocab));

  const count = (field: string, list: readonly unknown[], length: number) =>
    demand(list.length === length, `${at}.${field}.length`, list.length, `${length}`);
  count('kinds', kinds, manifest.kinds.length);
  count('layout.rows', layout.rows, table.length);

  const isKernel = (kernel: number, field: string) =>
    demand(kernel < kernels.length, `${at}.${field}`, kernel, `below ${kernels.length}, for there are so many kernels`);
  isKernel(argmax, 'argmax');
  isKernel(draw, 'draw');
  isKernel(candidates.kernel, 'candidates.kernel');
  for (const [i, { decode, prefill }] of kinds.entries())
    for (const [name, list] of Object.entries({ decode, prefill }))
      for (const [j, kernel] of list.entries()) isKernel(kernel, `kinds[${i}].${name}[${j}]`);

  let end = 0;
  for (const [i, { from, bytes, to }] of layout.copies.entries()) {
    const field = `${at}.layout.copies[${i}]`;
    demand(from >= end, `${field}.from`, from, `at least ${end}, where the copy before it ends`);
    end = from + bytes;
    const room = memory.weights.bytes - from;
    demand(bytes <= room, `${field}.bytes`, bytes, `at most ${room}, the rest of the weights`);
    if (to) checkPlace(to, bytes, layout.weights, `${field}.to`);
    else
      demand(
        bytes <= layout.constants,
        `${field}.bytes`,
        bytes,
        `at most ${layout.constants}, the size of the constants`,
      );
  }
  for (const [i, row] of layout.rows.entries()) {
    const { decode, prefill } = kinds[table[i]!.kind]!;
    for (const kernel of new Set([...decode, ...prefill]))
      checkBindings(kernels[kernel]!, row, layout, `${at}.kernels[${kernel}]`, `${at}.layout.rows[${i}]`);
  }
  for (const kernel of [argmax, draw, candidates.kernel])
    checkBindings(
      kernels[kernel]!,
      layout.rows.at(-1)!,
      layout,
      `${at}.kernels[${kernel}]`,
      `${at}.layout.rows[${table.length - 1}]`,
    );
}

/** Everything that a kernel binds for a row lies in its buffer. */
function checkBindings(
  { bindings }: GpuKernel,
  row: GpuTarget['layout']['rows'][number],
  layout: GpuTarget['layout'],
  kernel: string,
  at: string,
): void {
  for (const [i, { resource, group, offset, bytes }] of bindings.entries()) {
    if (resource === 'weights') {
      const place = row.weights[group];
      if (place) checkPlace(place, offset + bytes, layout.weights, `${at}.weights[${group}]`);
      else
        demand(
          false,
          `${kernel}.bindings[${i}].group`,
          group,
          `below ${row.weights.length}, the weight groups of ${at}`,
        );
    } else if (resource === 'state') {
      if (row.state) checkPlace(row.state, offset + bytes, layout.states, `${at}.state`);
      else demand(false, `${at}.state`, row.state, `a place, for ${kernel} binds it`);
    } else {
      const most = layout[resource];
      demand(
        offset + bytes <= most,
        `${kernel}.bindings[${i}].bytes`,
        bytes,
        `at most ${most - offset}, the rest of ${resource}`,
      );
    }
  }
}

function checkPlace({ buffer, offset }: GpuPlace, bytes: number, buffers: readonly number[], field: string): void {
  demand(buffer < buffers.length, `${field}.buffer`, buffer, `below ${buffers.length}, for there are so many buffers`);
  const room = buffers[buffer]! - bytes;
  demand(offset <= room, `${field}.offset`, offset, `at most ${room}, for ${bytes} bytes are read there`);
}
