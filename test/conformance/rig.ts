/**
 * A compiled graph with access to its kernels: the WASM module and the loop interpreter run on one
 * memory image, with the same table and the same addresses. It exports every kernel, which packages
 * do not; e2e tests cover packages.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { interpret, interpretThreads } from '@lamella/compiler/loops/interpret';
import type { Kernel } from '@lamella/compiler/loops/ir';
import { packWeights } from '@lamella/compiler/pack';
import { lower } from '@lamella/compiler/pipeline';
import type { FormatName, KvName } from '@lamella/compiler/program/ir';
import { schedule } from '@lamella/compiler/schedule/cpu/schedule';
import { assemble } from '@lamella/compiler/targets/wasm/assemble';
import { printModule } from '@lamella/compiler/targets/wasm/module';
import { partition } from '@lamella/compiler/targets/wasm/partition';
import { functionArguments } from '@lamella/compiler/targets/wasm/print';
import { variantFeatures } from '@lamella/compiler/targets/wasm/variants';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import type { WasmVariant } from '@lamella/runtime/choices';
import type { Region } from '@lamella/runtime/manifest';
import { stepWords, WASM_STEP, writeStep, writeTable } from '@lamella/runtime/step';

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
  /** Whether the memory is shared, as for a module of several threads. */
  readonly shared: boolean;
  /**
   * The scratch that only its own operation reads: results of prologues, attention's scores and
   * parts; and the threads' synchronisation words.
   */
  readonly scratch: readonly Region[];
  /** Runs one kernel of a table row, in WASM. */
  kernel(kernel: Kernel, row: number, scalars?: Scalars): void;
  /** Runs it in the interpreter, on the same memory. */
  interpret(kernel: Kernel, row: number, scalars?: Scalars, order?: 'forward' | 'reverse'): void;
  /** Runs it in the interpreter with `threads` threads, on the same memory. */
  interpretThreads(
    kernel: Kernel,
    row: number,
    threads: number,
    scalars?: Scalars,
    order?: 'forward' | 'reverse',
  ): void;
  /** Ends the other threads. */
  stop(): Promise<void>;
  /** Runs table rows [first, last) for one token. */
  rows(first: number, last: number): void;
  /** The id of the largest logit. */
  argmax(): number;
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
  threads = 1,
  kv: KvName = 'f32',
): Promise<Rig> {
  const plain = lower(graph, { quant, kv });
  const { plan } = plain;
  const features = variantFeatures[variant];
  const shared = features.has('threads');
  const lowered = { ...plain, kernels: schedule(plan, features) };
  const { memory: regions } = plan;
  const pages = regions.plannedBytes / 65536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  for await (const { offset, bytes } of packWeights(plan, graph.weights, async (w) => weightOf(w)))
    new Uint8Array(memory.buffer, regions.weights.offset + offset, bytes.length).set(bytes);
  writeTable(memory.buffer, plan);
  const step = stepWords(memory.buffer, regions);
  // a few reads of a word before a thread sleeps, because tests share the cores
  writeStep(step, { rows: plan.table.length, table: regions.table.offset, threads, patience: 1 << 17 });
  const tokens = new Uint32Array(memory.buffer, regions.tokens.offset, plan.program.tile);

  const module = await WebAssembly.compile(
    (await assemble(printModule(plan, lowered.kernels, features, true))) as BufferSource,
  );
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const others = await Promise.all(Array.from({ length: threads - 1 }, (_, i) => serveInWorker(module, memory, i + 1)));
  const call = (name: string, ...args: number[]) => (exports[name] as (...args: number[]) => void)(...args);

  const argumentsOf = (row: number, scalars: Scalars) => {
    const { weights, state } = plan.table[row]!;
    const named: Record<string, number> = {
      state,
      position: step[WASM_STEP.position]!,
      count: 1,
      row: 0,
      thread: 0,
      threads: 1,
      ...scalars,
    };
    weights.forEach((address, group) => {
      named[`w${group}`] = address;
    });
    return named;
  };
  const bufferOf = (name: string) => {
    const id = plan.program.buffers.findIndex((b) => b.name === name);
    if (id < 0) throw new Error(`no buffer ${name}; there are ${plan.program.buffers.map((b) => b.name).join(', ')}`);
    const buffer = plan.program.buffers[id]!;
    return { address: plan.bufferAddress[id]!, elements: buffer.rows * buffer.width };
  };
  return {
    lowered,
    memory,
    logits: new Float32Array(memory.buffer, regions.logits.offset, graph.vocab),
    get position() {
      return step[WASM_STEP.position]!;
    },
    set position(p) {
      step[WASM_STEP.position] = p;
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
      call(kernel.name, ...functionArguments(partition(kernel, features)).map((name) => named[name]!));
    },
    interpret: (kernel, row, scalars = {}, order = 'forward') =>
      interpret(kernel, memory.buffer, argumentsOf(row, scalars), order),
    interpretThreads: (kernel, row, threads, scalars = {}, order = 'forward') =>
      interpretThreads(partition(kernel, features), memory.buffer, argumentsOf(row, scalars), threads, order),
    shared,
    scratch: [
      regions.step,
      ...plan.program.kinds
        .flatMap((kind) => kind.ops.flatMap(({ scratch }) => Object.values(scratch)))
        .map((id) => {
          const { bytes } = plan.arena.intervals.find((i) => i.name === plan.program.buffers[id]!.name)!;
          return { offset: plan.bufferAddress[id]!, bytes };
        }),
    ],
    async stop() {
      if (shared) call('stop');
      await Promise.all(others.map((worker) => worker.terminate()));
    },
    argmax: () => (exports.best as () => number)(),
    rows: (first, last) => call('rows', first, last, ...(shared ? [0] : [])),
    buffer(name) {
      const { address, elements } = bufferOf(name);
      return new Float32Array(memory.buffer, address, elements);
    },
    codes(name) {
      const { address, elements } = bufferOf(name);
      return new Int8Array(memory.buffer, address, elements);
    },
  };
}

/** Thread `thread` of a threaded module, waiting for calls. */
async function serveInWorker(module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number): Promise<Worker> {
  const code = `const { parentPort, workerData: { module, memory, thread } } = require('node:worker_threads');
    WebAssembly.instantiate(module, { env: { memory } }).then(({ exports }) => {
      parentPort.postMessage('here');
      exports.serve(thread);
    });`;
  const worker = new Worker(code, { eval: true, workerData: { module, memory, thread } });
  await once(worker, 'message');
  return worker;
}

/** Largest |a - b| relative to the largest |b|. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    // NaN must not count as a small difference
    const d = Math.abs(a[i]! - b[i]!);
    difference = d > difference || Number.isNaN(d) ? d : difference;
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return difference / Math.max(largest, 1e-30);
}
