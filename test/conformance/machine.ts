/**
 * A compiled model, kernel by kernel, on anything that runs kernels: WASM, the loop interpreter, a
 * WebGPU device. Conformance uses this interface, so that it is the same for every target.
 */
import type { Kernel } from '@lamella/compiler/loops/ir';
import type { Plan } from '@lamella/compiler/plan';
import type { BufferId, FormatName, FusedOp, Kind, KvName, KvStorage, Scratch } from '@lamella/compiler/program/ir';
import type { KindKernels, Lowering } from '@lamella/compiler/schedule/scope';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import { GPU_UNIFORM_WORDS, writeGpuStep } from '@lamella/runtime/step';

export type Contraction = Extract<FusedOp, { kind: 'contraction' }>;
export type Attention = Extract<FusedOp, { kind: 'attention' }>;

/** Options for compiling a model. */
export interface Setting {
  readonly quant: FormatName;
  readonly kv: KvName;
}

/** The values of a step. */
export interface Scalars {
  readonly position: number;
  readonly count: number;
  readonly row: number;
}

export interface Machine {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly kinds: readonly KindKernels[];
  /**
   * Stores codes and scale of a contraction's x in these buffers, equal to those of decoding; null
   * if decoding itself stores them there.
   */
  codesKernel(kind: Kind, op: Contraction): { readonly kernel: Kernel; readonly scratch: Scratch } | null;
  /** The attention whose splits are in a buffer; null if the buffer holds values. */
  splitAttention(kind: Kind, id: BufferId): Attention | null;
  /**
   * Whether a product and a sum may be rounded once, which WGSL allows: drivers for the CPU do not,
   * cards do.
   */
  readonly fuses: boolean;
  /** Whether the groups of a row are added in order; a workgroup adds them in pieces. */
  readonly addsInOrder: boolean;
  /** Chooses the next token; null if the runtime does. */
  readonly argmax: Kernel | null;
  /** Runs one kernel of a table row. */
  run(kernel: Kernel, row: number, scalars: Scalars): void;
  /** Bytes at an address of the plan, from token ids to the end of the arena. */
  read(offset: number, bytes: number): Promise<ArrayBuffer>;
  write(offset: number, words: Uint32Array): void;
  /** The state of a table row. */
  readState(row: number): Promise<ArrayBuffer>;
  close(): Promise<void>;
}

/** The format of stored keys and values, which a profile may have changed. */
export function storedKv({ plan }: Machine): KvStorage {
  const heads = plan.program.kinds.flatMap(({ state }) => state.filter(({ holds }) => holds === 'heads'));
  return heads[0]?.format ?? 'f32';
}

/** Opens a model; the caller closes it. */
export type OpenMachine = (graph: Graph, weightOf: WeightOf, setting: Setting) => Promise<Machine>;

/** The kernels of one operation, in order. */
export function kernelsOf({ kind, ...kernels }: KindKernels, op: FusedOp, lowering: Lowering): readonly Kernel[] {
  const name = op.kind === 'contraction' ? [`${op.name}.operand`, op.name] : [op.name];
  const wanted = name.map((each) => `${kind.name}.${each}.${lowering}`);
  const found = kernels[lowering].filter((kernel) => wanted.includes(kernel.name));
  if (found.length === 0) throw new Error(`no kernel ${wanted.at(-1)}`);
  return found;
}

/** The contents of the arena at one moment. */
export class Snapshot {
  readonly #plan: Plan;
  readonly #bytes: ArrayBuffer;

  private constructor(plan: Plan, bytes: ArrayBuffer) {
    this.#plan = plan;
    this.#bytes = bytes;
  }

  static async of({ plan, read }: Machine): Promise<Snapshot> {
    const { tokens, arena } = plan.memory;
    return new Snapshot(plan, await read(tokens.offset, arena.offset + arena.bytes - tokens.offset));
  }

  /** f32 of a buffer's row. */
  row(id: BufferId, row = 0): Float32Array {
    const { width } = this.#plan.program.buffers[id]!;
    return new Float32Array(this.#bytes, this.#at(id) + row * width * 4, width);
  }

  /** int8 of a row of codes. */
  codes(id: BufferId, row = 0): Int8Array {
    const { width } = this.#plan.program.buffers[id]!;
    return new Int8Array(this.#bytes, this.#at(id) + row * width, width);
  }

  logits(): Float32Array {
    const { logits, tokens } = this.#plan.memory;
    return new Float32Array(this.#bytes, logits.offset - tokens.offset, this.#plan.program.vocab);
  }

  #at(id: BufferId): number {
    return this.#plan.bufferAddress[id]! - this.#plan.memory.tokens.offset;
  }
}

/** One sequence of tokens on a machine. */
export class Sequence {
  readonly machine: Machine;
  position = 0;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  decode(token: number): void {
    this.#step('decode', [token]);
    this.head(0);
    this.position += 1;
  }

  /** One tile. */
  prefill(tokens: readonly number[]): void {
    this.#step('prefill', tokens);
    this.position += tokens.length;
  }

  /** A prompt, in as many tiles as it takes. */
  prefillAll(tokens: readonly number[]): void {
    const { tile } = this.machine.plan.program;
    for (let from = 0; from < tokens.length; from += tile) this.prefill(tokens.slice(from, from + tile));
  }

  /** Logits of row `row` of the last tile. */
  head(row: number): void {
    const { plan, kinds } = this.machine;
    const scalars = { position: this.position, count: 1, row };
    for (const kernel of kinds.at(-1)!.decode) this.machine.run(kernel, plan.table.length - 1, scalars);
  }

  async logits(): Promise<Float32Array> {
    const { logits } = this.machine.plan.memory;
    return new Float32Array(await this.machine.read(logits.offset, this.machine.graph.vocab * 4));
  }

  /** The greedy choice after the last token. */
  async choose(): Promise<number> {
    const { plan, argmax } = this.machine;
    if (!argmax) {
      const logits = await this.logits();
      return logits.indexOf(Math.max(...logits));
    }
    // the step as decoding leaves it
    const words = new Uint32Array(GPU_UNIFORM_WORDS);
    writeGpuStep(words, { position: this.position - 1, count: 1, row: 0 });
    this.machine.write(plan.memory.step.offset, words);
    this.machine.run(argmax, plan.table.length - 1, { position: 0, count: 0, row: 0 });
    return new Uint32Array(await this.machine.read(plan.memory.tokens.offset, 4))[0]!;
  }

  #step(lowering: Lowering, tokens: readonly number[]): void {
    const { plan, kinds } = this.machine;
    const scalars = { position: this.position, count: tokens.length, row: 0 };
    this.machine.write(plan.memory.tokens.offset, Uint32Array.from(tokens));
    plan.table.slice(0, -1).forEach(({ kind }, row) => {
      for (const kernel of kinds[kind]![lowering]) this.machine.run(kernel, row, scalars);
    });
  }
}
