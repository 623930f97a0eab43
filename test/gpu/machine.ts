/**
 * A graph compiled for a GPU, run kernel by kernel through its execution table on whatever runs kernels: here the loop interpreter, which
 * needs no GPU. The memory image is the plan's, with the history of chosen tokens behind it.
 */
import { interpret } from '@lamella/compiler/loops/interpret';
import type { Kernel } from '@lamella/compiler/loops/ir';
import { packWeights } from '@lamella/compiler/pack';
import { type LoweredGpu, lowerGpu } from '@lamella/compiler/pipeline';
import type { FormatName } from '@lamella/compiler/program/ir';
import { conservative, type GpuProfile } from '@lamella/compiler/schedule/gpu/profile';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import type { GpuExtent } from '@lamella/runtime/webgpu-manifest';

/** What a step needs to know. */
export interface Scalars {
  readonly position: number;
  readonly count: number;
  readonly row: number;
}

/** Something that runs compiled kernels on a model's memory. */
export interface GpuMachine {
  readonly name: string;
  readonly lowered: LoweredGpu;
  /** Runs one kernel of a table row. */
  run(kernel: Kernel, row: number, scalars: Scalars): void;
  /** f32 or any other words at an address of the plan. */
  read(offset: number, bytes: number): Promise<ArrayBuffer>;
  write(offset: number, words: Uint32Array): void;
  close(): void;
}

/** The image of a model before its first token. */
export async function imageOf(lowered: LoweredGpu, weightOf: WeightOf): Promise<ArrayBuffer> {
  const { plan, graph } = lowered;
  const image = new ArrayBuffer(plan.memory.plannedBytes + 4 * (plan.program.context + 1));
  for await (const { offset, bytes } of packWeights(plan, graph.weights, async (w) => weightOf(w)))
    new Uint8Array(image, plan.memory.weights.offset + offset, bytes.length).set(bytes);
  return image;
}

/** The machine that needs no GPU. */
export async function interpreted(
  graph: Graph,
  weightOf: WeightOf,
  quant: FormatName,
  profile: GpuProfile = conservative,
  order: 'forward' | 'reverse' = 'forward',
): Promise<GpuMachine> {
  const lowered = lowerGpu(graph, { quant }, profile);
  const image = await imageOf(lowered, weightOf);
  return {
    name: 'interpreter',
    lowered,
    run(kernel, row, scalars) {
      const { weights, state } = lowered.plan.table[row]!;
      const named: Record<string, number> = { state, ...scalars };
      weights.forEach((address, group) => {
        named[`w${group}`] = address;
      });
      interpret(kernel, image, named, order);
    },
    read: async (offset, bytes) => image.slice(offset, offset + bytes),
    write: (offset, words) => new Uint32Array(image, offset, words.length).set(words),
    close() {},
  };
}

/** One sequence of tokens on a machine. */
export class GpuModel {
  readonly machine: GpuMachine;
  position = 0;

  constructor(machine: GpuMachine) {
    this.machine = machine;
  }

  decode(token: number): void {
    this.step('decode', [token]);
    this.head(0);
    this.position += 1;
  }

  prefill(tokens: readonly number[]): void {
    this.step('prefill', tokens);
    this.position += tokens.length;
  }

  /** Logits of row `row` of the last tile. */
  head(row: number): void {
    const { plan, kernels } = this.machine.lowered;
    const scalars = { position: this.position, count: 1, row };
    for (const kernel of kernels.kinds.at(-1)!.decode) this.machine.run(kernel, plan.table.length - 1, scalars);
  }

  /** Chooses the next token greedily, and sets the step as the kernel does. */
  async choose(count: number): Promise<number> {
    const { plan, kernels } = this.machine.lowered;
    this.machine.write(plan.memory.step.offset, Uint32Array.of(this.position - count, count, 0));
    this.machine.run(kernels.argmax, plan.table.length - 1, { position: 0, count: 0, row: 0 });
    return new Uint32Array(await this.machine.read(plan.memory.tokens.offset, 4))[0]!;
  }

  async logits(): Promise<Float32Array> {
    const { logits } = this.machine.lowered.plan.memory;
    return new Float32Array(await this.machine.read(logits.offset, this.machine.lowered.graph.vocab * 4));
  }

  private step(lowering: 'decode' | 'prefill', tokens: readonly number[]): void {
    const { plan, kernels } = this.machine.lowered;
    const scalars = { position: this.position, count: tokens.length, row: 0 };
    this.machine.write(plan.memory.tokens.offset, Uint32Array.from(tokens));
    plan.table.slice(0, -1).forEach(({ kind }, row) => {
      for (const kernel of kernels.kinds[kind]![lowering]) this.machine.run(kernel, row, scalars);
    });
  }
}

/** Workgroups along an axis. */
export function workgroups({ constant, position, count, per }: GpuExtent, scalars: Scalars): number {
  return Math.ceil((constant + position * scalars.position + count * scalars.count) / per);
}
