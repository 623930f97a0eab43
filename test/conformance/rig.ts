/**
 * A compiled graph with its kernels at hand: one memory image that the WASM module and the loop interpreter both run on, through the
 * same table and the same addresses. It exports every kernel, which packages do not; what packages do is tested in e2e.
 */

import { interpret } from '@lamella/compiler/loops/interpret';
import type { Kernel } from '@lamella/compiler/loops/ir';
import type { Features } from '@lamella/compiler/loops/types';
import { packWeights } from '@lamella/compiler/pack';
import { lower } from '@lamella/compiler/pipeline';
import type { FormatName } from '@lamella/compiler/program/ir';
import { schedule } from '@lamella/compiler/schedule/schedule';
import { assemble } from '@lamella/compiler/targets/wasm/assemble';
import { printModule } from '@lamella/compiler/targets/wasm/module';
import { functionArguments } from '@lamella/compiler/targets/wasm/print';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import type { WasmVariant } from '@lamella/runtime/manifest';

export type Lowered = ReturnType<typeof lower>;

export interface Rig {
  readonly lowered: Lowered;
  readonly memory: WebAssembly.Memory;
  /** f32 [vocab], a view. */
  readonly logits: Float32Array;
  position: number;
  decode(token: number): void;
  /** One tile. */
  prefill(tokens: readonly number[]): void;
  head(row: number): void;
  /** Runs one kernel of a table row, in WASM. */
  kernel(kernel: Kernel, row: number, scalars?: Scalars): void;
  /** Runs it in the interpreter, on the same memory. */
  interpret(kernel: Kernel, row: number, scalars?: Scalars, order?: 'forward' | 'reverse'): void;
  /** Runs table rows [first, last) for one token. */
  rows(first: number, last: number): void;
  /** f32 view of a buffer of the arena, by name. */
  buffer(name: string): Float32Array;
  /** int8 view of a buffer of codes. */
  codes(name: string): Int8Array;
}

export interface Scalars {
  readonly position?: number;
  readonly count?: number;
  readonly row?: number;
}

/** Compiles a graph, packs its weights and loads the module. */
export async function rig(
  graph: Graph,
  weightOf: WeightOf,
  quant: FormatName,
  variant: WasmVariant = 'simd',
): Promise<Rig> {
  const plain = lower(graph, { quant });
  const { plan } = plain;
  const features: Features = new Set(variant === 'relaxed' ? ['relaxed'] : []);
  const lowered = { ...plain, kernels: schedule(plan, features) };
  const { memory: regions } = plan;
  const pages = regions.plannedBytes / 65536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  for await (const { offset, bytes } of packWeights(plan, graph.weights, async (w) => weightOf(w)))
    new Uint8Array(memory.buffer, regions.weights.offset + offset, bytes.length).set(bytes);
  const words = new Uint32Array(memory.buffer, regions.table.offset, regions.table.bytes / 4);
  plan.table.forEach((row, i) => {
    words.set([row.kind, row.state, ...row.weights], i * plan.rowWords);
  });
  const step = new Uint32Array(memory.buffer, regions.step.offset, 4);
  step.set([plan.table.length, regions.table.offset], 2);
  const tokens = new Uint32Array(memory.buffer, regions.tokens.offset, plan.program.tile);

  const module = await WebAssembly.compile(
    (await assemble(printModule(plan, lowered.kernels, features, true))) as BufferSource,
  );
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const call = (name: string, ...args: number[]) => (exports[name] as (...args: number[]) => void)(...args);

  const argumentsOf = (row: number, scalars: Scalars) => {
    const { weights, state } = plan.table[row]!;
    const named: Record<string, number> = { state, position: step[0]!, count: 1, row: 0, ...scalars };
    weights.forEach((address, group) => {
      named[`w${group}`] = address;
    });
    return named;
  };
  const bufferOf = (name: string) => {
    const id = plan.program.buffers.findIndex((b) => b.name === name);
    if (id < 0) throw new Error(`no buffer ${name}; there are ${plan.program.buffers.map((b) => b.name).join(', ')}`);
    return { address: plan.bufferAddress[id]!, ...plan.program.buffers[id]! };
  };
  return {
    lowered,
    memory,
    logits: new Float32Array(memory.buffer, regions.logits.offset, graph.vocab),
    get position() {
      return step[0]!;
    },
    set position(p) {
      step[0] = p;
    },
    decode(token) {
      tokens[0] = token;
      call('decode');
    },
    prefill(ids) {
      tokens.set(ids);
      call('prefill', ids.length);
    },
    head: (row) => call('head', row),
    kernel(kernel, row, scalars = {}) {
      const named = argumentsOf(row, scalars);
      call(kernel.name, ...functionArguments(kernel).map((name) => named[name]!));
    },
    interpret: (kernel, row, scalars = {}, order = 'forward') =>
      interpret(kernel, memory.buffer, argumentsOf(row, scalars), order),
    rows: (first, last) => call('rows', first, last),
    buffer(name) {
      const { address, width } = bufferOf(name);
      return new Float32Array(memory.buffer, address, width * plan.program.tile);
    },
    codes(name) {
      const { address, width } = bufferOf(name);
      return new Int8Array(memory.buffer, address, width * plan.program.tile);
    },
  };
}

/** Largest |a - b| relative to the largest |b|. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    // NaN must not pass for a small difference
    const d = Math.abs(a[i]! - b[i]!);
    difference = d > difference || Number.isNaN(d) ? d : difference;
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return difference / Math.max(largest, 1e-30);
}
