/**
 * Memory: the plan is what runs. The real driver loads the package; canaries fill every byte
 * without an owner; the arena's lower bound is recomputed here from the printed plan; the code does
 * not depend on how often a block runs.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { CompileOptions } from '@lamella/compiler/compilation';
import type { Kernel } from '@lamella/compiler/loops/ir';
import { compile, lowerGpu, planFor } from '@lamella/compiler/pipeline';
import type { Plan } from '@lamella/compiler/plan';
import type { FormatName } from '@lamella/compiler/program/ir';
import { printPlan } from '@lamella/compiler/program/print';
import { kernelsOf, schedule } from '@lamella/compiler/schedule/cpu/schedule';
import { conservative, type GpuProfile, halves } from '@lamella/compiler/schedule/gpu/profile';
import { assemble } from '@lamella/compiler/targets/wasm/assemble';
import { wasm } from '@lamella/compiler/targets/wasm/target';
import { variantFeatures } from '@lamella/compiler/targets/wasm/variants';
import { share } from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';
import { formatNames } from '@lamella/runtime/choices';
import type { Manifest, Region, WeightChunk } from '@lamella/runtime/manifest';
import { loadWasm, type WasmDriver } from '@lamella/runtime/wasm-driver';
import { loadGraph } from 'lamella/load-graph';
import { describe, expect, test } from 'vitest';
import { model, orders, type Shape } from './models.ts';
import { rig } from './rig.ts';
import { weightsOf } from './weights.ts';

/** A package that exists only in memory, loaded like any other. */
async function load(
  graph: Graph,
  quant: FormatName,
): Promise<{ driver: WasmDriver; manifest: Manifest; plan: string }> {
  const compilation = await compile(graph, { quant });
  const weightOf = weightsOf(graph);
  const files = new Map<string, Uint8Array<ArrayBuffer>>([['kernels.wasm', new Uint8Array(compilation.wasm)]]);
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const weights: WeightChunk[] = [];
  for await (const { offset, bytes } of compilation.pack(async (weight) => weightOf(weight))) {
    const file = `weights-${weights.length}.bin`;
    files.set(file, new Uint8Array(bytes));
    weights.push({ file, offset, bytes: bytes.length, sha256: sha256(bytes) });
  }
  const wasm = [{ file: 'kernels.wasm', variant: 'simd', sha256: sha256(compilation.wasm) }] as const;
  const manifest = compilation.manifest({
    weights,
    tokenizer: null,
    probe: null,
    wasm,
  });
  const driver = await loadWasm(manifest, { place: 'memory', read: async (name) => files.get(name)! });
  return { driver, manifest, plan: compilation.stages.plan() };
}

interface PrintedArena {
  readonly bytes: number;
  readonly lowerBound: number;
  readonly intervals: readonly { name: string; offset: number; bytes: number; first: number; last: number }[];
}

/** The arena of a printed plan. */
function parseArena(plan: string): PrintedArena {
  const [, bytes, lowerBound] = /^arena: (\d+) bytes; most live at one time (\d+)$/m.exec(plan)!;
  const lines = plan.matchAll(/^ {2}(\S+) +\+ *(\d+) +(\d+) bytes {2}live (\d+)\.\.(\d+)$/gm);
  const intervals = [...lines].map(([, name, offset, size, first, last]) => ({
    name: name!,
    offset: Number(offset),
    bytes: Number(size),
    first: Number(first),
    last: Number(last),
  }));
  return { bytes: Number(bytes), lowerBound: Number(lowerBound), intervals };
}

/** The section with this id of a WASM binary. */
function section(wasm: Uint8Array, id: number): Uint8Array {
  let at = 8;
  const leb = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < wasm.length) {
    const found = wasm[at++]!;
    const length = leb();
    if (found === id) return wasm.subarray(at, at + length);
    at += length;
  }
  throw new Error(`no section ${id}`);
}
const CODE_SECTION = 10;

/** A pattern that a kernel is unlikely to write: it differs from byte to byte. */
const canary = (at: number): number => (at * 167 + 91) & 255;

/** Marks bytes as owned. */
class Ownership {
  readonly #owned: Uint8Array;
  constructor(bytes: number) {
    this.#owned = new Uint8Array(bytes);
  }
  own({ offset, bytes }: Region): void {
    this.#owned.fill(1, offset, offset + bytes);
  }
  get free(): readonly number[] {
    return [...this.#owned.keys()].filter((at) => this.#owned[at] === 0);
  }
}

/** Heads that are padded to 8, or 8 wide for a format that refuses padding. */
const padded = (quant: FormatName): Partial<Shape> => ({
  layers: 2,
  d: 30,
  ff: 50,
  heads: 4,
  kvHeads: 2,
  headDim: quant === 'q4' ? 8 : 6,
  vocab: 97,
  context: 71,
  share: share.immediate(2),
});

describe.each(formatNames)('%s', (quant) => {
  test('the running memory is the planned one, from load to the end of the context', async () => {
    const { driver, manifest } = await load(model(), quant);
    expect(driver.peakBytes).toBe(manifest.memory.plannedBytes);
    expect(manifest.memory.plannedBytes % 65536).toBe(0);
    const { buffer } = driver.memory;
    driver.prefill(manifest.tile);
    while (driver.position < manifest.context) driver.decode();
    expect(driver.memory.buffer).toBe(buffer);
    expect(driver.peakBytes).toBe(manifest.memory.plannedBytes);
    expect(manifest.report.plannedBytes).toBe(manifest.memory.plannedBytes);
    // maximum equals initial, so memory cannot grow
    expect(() => driver.memory.grow(1)).toThrow(RangeError);
  });

  test('the module cannot grow its memory, and asks for exactly what is planned', async () => {
    const { wasm, stages, plan } = await compile(model(), { quant });
    // the text contains no memory.grow, and the bytes come from the text
    expect(stages.wat()).not.toMatch(/memory\.(grow|init|copy|fill)/);
    expect(Buffer.compare(await assemble(stages.wat()), wasm)).toBe(0);
    const [imported, ...rest] = WebAssembly.Module.imports(await WebAssembly.compile(wasm as BufferSource));
    expect([imported, rest]).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }, []]);
    const pages = plan.memory.plannedBytes / 65536;
    const withMemory = (initial: number, maximum: number) =>
      WebAssembly.instantiate(wasm as BufferSource, { env: { memory: new WebAssembly.Memory({ initial, maximum }) } });
    await expect(withMemory(pages, pages)).resolves.toBeDefined();
    // a smaller memory is refused, and so is one that may grow
    await expect(withMemory(pages - 1, pages)).rejects.toThrow(WebAssembly.LinkError);
    await expect(withMemory(pages, pages + 1)).rejects.toThrow(WebAssembly.LinkError);
  });

  test('a canary in every byte without an owner survives', async () => {
    const { driver, manifest, plan } = await load(model(padded(quant)), quant);
    const { memory } = manifest;
    const arena = parseArena(plan);
    const image = new Uint8Array(driver.memory.buffer);
    const owners = new Ownership(image.length);
    for (const region of [memory.step, memory.tokens, memory.logits, memory.weights, memory.state, memory.table])
      owners.own(region);
    for (const { offset, bytes } of arena.intervals) owners.own({ offset: memory.arena.offset + offset, bytes });
    const { free } = owners;
    expect(free.length).toBeGreaterThanOrEqual(memory.plannedBytes - memory.table.offset - memory.table.bytes);
    for (const at of free) image[at] = canary(at);
    const constant = (region: Region) => image.slice(region.offset, region.offset + region.bytes);
    const [weights, table] = [constant(memory.weights), constant(memory.table)];

    const count = Math.min(manifest.tile, 65) - 1;
    for (let i = 0; i < count; i++) driver.tokens[i] = (i * 31 + 5) % manifest.vocab;
    driver.prefill(count);
    for (let row = 0; row < count; row++) driver.head(row);
    while (driver.position < manifest.context) {
      driver.tokens[0] = (driver.position * 29) % manifest.vocab;
      driver.decode();
    }
    expect(driver.logits.every(Number.isFinite)).toBe(true);
    expect(free.filter((at) => image[at] !== canary(at))).toEqual([]);
    expect(Buffer.compare(constant(memory.weights), weights)).toBe(0);
    expect(Buffer.compare(constant(memory.table), table)).toBe(0);
  });

  test('keys and values beyond the position are never touched', async () => {
    const { driver, manifest } = await load(model(padded(quant)), quant);
    const { memory, context } = manifest;
    const words = new Int32Array(driver.memory.buffer, memory.state.offset, memory.state.bytes / 4);
    const mark = 0x7fc00001;
    words.fill(mark);
    // per slot: keys [2, 72, 8], then values [2, 72, 8]: half of 6 is padded to 4, 6 to 8, and 71
    // positions to 72
    const stride = 8;
    const positions = context + 1;
    const untouched = (from: number): boolean =>
      words.every((word, i) => Math.floor(i / stride) % positions < from || word === mark);
    const touched = (to: number): boolean =>
      words.every((word, i) => Math.floor(i / stride) % positions >= to || word !== mark);
    expect(memory.state.bytes).toBe(manifest.report.stateSlots * 2 * 2 * positions * stride * 4);
    const steps = [1, 7, 2, 30];
    let position = 0;
    for (const count of steps) {
      driver.prefill(count);
      position += count;
      expect(driver.position).toBe(position);
      expect(untouched(position)).toBe(true);
      expect(touched(position)).toBe(true);
    }
    for (; position < context; position++) {
      driver.decode();
      expect(untouched(position + 1)).toBe(true);
      expect(touched(position + 1)).toBe(true);
    }
  });

  test('an execution writes to its own state slot and to no other', async () => {
    const graph = model(padded(quant));
    const running = await rig(graph, weightsOf(graph), quant);
    const { plan } = running.lowered;
    const { offset, bytes } = plan.memory.state;
    const state = new Uint8Array(running.memory.buffer, offset, bytes);
    const withState = plan.table.filter((row) => row.state !== 0);
    expect(new Set(withState.map((row) => row.state)).size).toBe(4);
    const slotBytes = bytes / withState.length;
    plan.table.forEach((row, i) => {
      state.forEach((_, at) => {
        state[at] = canary(at);
      });
      running.rows(i, i + 1);
      const changed = new Set(
        [...state.keys()].filter((at) => state[at] !== canary(at)).map((at) => at - (at % slotBytes)),
      );
      expect([...changed]).toEqual(row.state === 0 ? [] : [row.state - offset]);
    });
  });

  test('code is the same, byte for byte, at 2, 30 and 60 executions and in every sharing order', async () => {
    const code = async (shape: Partial<Shape>) =>
      Buffer.from(section((await compile(model(shape), { quant })).wasm, CODE_SECTION)).toString('base64');
    const two = await code({ layers: 2 });
    expect(two.length).toBeGreaterThan(1000);
    const others: Partial<Shape>[] = [
      { layers: 30 },
      { layers: 60 },
      { layers: 30, share: orders.immediate },
      { layers: 30, share: orders.cycle },
      { layers: 30, share: orders.reverse },
      { layers: 3, share: orders.order },
    ];
    for (const shape of others) expect(await code(shape)).toBe(two);
    // and different for a different block, so the comparison can fail
    expect(await code({ layers: 2, ff: 112 })).not.toBe(two);
  });
});

describe('the arena equals its lower bound', () => {
  const files = readdirSync('graphs').filter((file) => file.endsWith('.ts'));
  const shapes: readonly [string, Partial<Shape>][] = [
    ['usual', {}],
    ['untied', { tied: false }],
    ['headDim 52', { headDim: 52, heads: 2, kvHeads: 1, d: 104 }],
    ['headDim 12, odd sizes', { ...padded('f32'), headDim: 12 }],
    ['no RoPE, headDim 20', { rope: false, headDim: 20 }],
    ['vocab 3, d 30, ff 50', { vocab: 3, d: 30, ff: 50 }],
  ];
  const graphs: readonly [string, () => Promise<Graph>][] = [
    ...files.map((file): [string, () => Promise<Graph>] => [file, () => loadGraph(`graphs/${file}`)]),
    ...shapes.map(([name, shape]): [string, () => Promise<Graph>] => [name, async () => model(shape)]),
  ];

  test('every graph of the folder is checked', () => expect(files.length).toBeGreaterThanOrEqual(8));

  /** A plan, and all kernels that any device may run on it. */
  const onCpu = (graph: Graph, options: CompileOptions): Arena => {
    // so that the plan of a model that is too large for WASM can be examined too
    const { plan } = planFor(wasm, graph, options);
    const kinds = Object.values(variantFeatures).flatMap((features) => schedule(plan, features));
    return { plan, kernels: kinds.flatMap(kernelsOf) };
  };
  const onGpu =
    (profile: GpuProfile) =>
    (graph: Graph, options: CompileOptions): Arena => {
      const { plan, kernels } = lowerGpu(graph, options, profile);
      return { plan, kernels: kernels.kinds.flatMap(({ decode, prefill }) => [...decode, ...prefill]) };
    };
  const targets = [
    ['WASM', onCpu],
    ['WebGPU', onGpu(conservative)],
    ['WebGPU with halves', onGpu(halves)],
  ] as const;

  describe.each(targets)('%s', (_target, open) => {
    test.each(graphs)('%s', async (_name, graphOf) => {
      const graph = await graphOf();
      for (const quant of formatNames) for (const kv of ['f32', 'q8'] as const) checkArena(open(graph, { quant, kv }));
    });
  });
});

interface Arena {
  readonly plan: Plan;
  readonly kernels: readonly Kernel[];
}

/**
 * The arena is as large as the most that is live at one time, no live buffers overlap, and some
 * kernel accesses every buffer.
 */
function checkArena({ plan, kernels }: Arena): void {
  const printed = parseArena(printPlan(plan));
  expect(printed.intervals.length).toBe(plan.arena.intervals.length);
  expect(printed.intervals.length).toBeGreaterThan(3);
  const alignment = 64;
  const size = (bytes: number) => Math.ceil(bytes / alignment) * alignment;
  const end = Math.max(...printed.intervals.map((b) => b.last));
  const liveAt = (time: number) =>
    printed.intervals.reduce((sum, b) => sum + (b.first <= time && time <= b.last ? size(b.bytes) : 0), 0);
  const bound = Math.max(...Array.from({ length: end + 1 }, (_, time) => liveAt(time)));
  expect(printed.lowerBound).toBe(bound);
  expect(printed.bytes).toBe(bound);
  expect(Math.max(...printed.intervals.map((b) => b.offset + size(b.bytes)))).toBe(bound);
  for (const [i, a] of printed.intervals.entries()) {
    expect(a.offset % alignment).toBe(0);
    for (const b of printed.intervals.slice(0, i)) {
      const together = a.first <= b.last && b.first <= a.last;
      const apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
      expect(!together || apart, `${a.name} and ${b.name}`).toBe(true);
    }
  }
  const touched = new Set(kernels.flatMap((kernel) => kernel.buffers.map((buffer) => buffer.name)));
  expect(printed.intervals.map(({ name }) => name).filter((name) => !touched.has(name))).toEqual([]);
}

test('f16 is two bytes a weight, gains and RoPE apart', async () => {
  const graph = await loadGraph('graphs/mobilellm-125m.ts');
  const [f32, f16] = await Promise.all((['f32', 'f16'] as const).map((quant) => compile(graph, { quant })));
  const saved = 2 * (124_635_456 - (2 * 30 + 1) * 576);
  expect(f32!.report.weightBytes - f16!.report.weightBytes).toBe(saved);
  expect(f32!.plan.memory.plannedBytes - f16!.plan.memory.plannedBytes).toBeGreaterThan(saved - 65536);
});

test.each([
  ['mobilellm-125m', 124_635_456, 30, 30],
  ['mobilellm-125m-ls', 124_635_456, 30, 60],
  ['mobilellm-350m', 345_355_200, 32, 32],
  ['mobilellm-350m-ls', 345_355_200, 32, 64],
  ['mobilellm-600m', 603_188_352, 40, 40],
  ['mobilellm-1b', 1_005_461_760, 54, 54],
  ['mobilellm-1.5b', 1_511_188_800, 54, 54],
])('%s: %i parameters, %i weight sets, %i state slots', async (name, parameters, weightSets, slots) => {
  const { report, plan } = await compile(await loadGraph(`graphs/${name}.ts`), { quant: 'q8' });
  expect(report).toMatchObject({ parameters, weightSets, executions: slots, stateSlots: slots });
  const states = plan.table.map((row) => row.state).filter((address) => address !== 0);
  expect(new Set(states).size).toBe(slots);
});
