/**
 * A graph compiled for a GPU, run kernel by kernel by the loop interpreter, which needs no GPU. The
 * memory image is the plan's, followed by the history of chosen tokens and the candidates.
 */

import type { LoweredGpu } from '@lamella/compiler/compilation';
import { interpret } from '@lamella/compiler/loops/interpret';
import type { Kernel } from '@lamella/compiler/loops/ir';
import { packWeights } from '@lamella/compiler/pack';
import { lowerGpu } from '@lamella/compiler/pipeline';
import type { FusedOp, Scratch } from '@lamella/compiler/program/ir';
import { operandKernel } from '@lamella/compiler/schedule/gpu/operand';
import { conservative, type GpuProfile } from '@lamella/compiler/schedule/gpu/profile';
import { CANDIDATE_BYTES, GpuScope, gpuRegions } from '@lamella/compiler/schedule/gpu/scope';
import { splitAttention } from '@lamella/compiler/schedule/gpu/splits';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import type { GpuExtent } from '@lamella/runtime/webgpu-manifest';
import type { Machine, Scalars, Setting } from '../conformance/machine.ts';

/** The image of a model before its first token. */
export async function imageOf({ plan, graph }: LoweredGpu, weightOf: WeightOf): Promise<ArrayBuffer> {
  const image = new ArrayBuffer(gpuRegions(plan).candidates + CANDIDATE_BYTES);
  for await (const { offset, bytes } of packWeights(plan, graph.weights, async (w) => weightOf(w)))
    new Uint8Array(image, plan.memory.weights.offset + offset, bytes.length).set(bytes);
  return image;
}

/**
 * Kernels that make the same codes in the arena as decoding makes inside its contractions, with as
 * many invocations and in the same order: the schedule for an x that does not fit workgroup memory.
 * The end keeps no codes in the arena, so it borrows another kind's buffers.
 */
export function codesKernels(
  { plan, kernels }: LoweredGpu,
  profile: GpuProfile,
): ReadonlyMap<FusedOp, { readonly kernel: Kernel; readonly scratch: Scratch }> {
  const contractions = kernels.kinds.flatMap(({ kind, decode }) =>
    kind.ops.flatMap((op) => (op.kind === 'contraction' && op.prologue.codes ? [{ kind, op, decode }] : [])),
  );
  return new Map(
    contractions.flatMap(({ kind, op, decode }) => {
      const { scratch } =
        op.scratch.codes !== undefined
          ? op
          : contractions.find((c) => c.op.depth === op.depth && c.op.scratch.codes !== undefined)!.op;
      const kernel = operandKernel(new GpuScope(plan, kind, 'decode', profile), { ...op, scratch });
      return decode.some(({ name }) => name === kernel.name) ? [] : [[op, { kernel, scratch }] as const];
    }),
  );
}

/** Opens a model in the interpreter. */
export function interpreted(profile: GpuProfile = conservative, order: 'forward' | 'reverse' = 'forward') {
  return async (graph: Graph, weightOf: WeightOf, setting: Setting): Promise<Machine> => {
    const lowered = lowerGpu(graph, setting, profile);
    const { plan, kernels } = lowered;
    const image = await imageOf(lowered, weightOf);
    const codes = codesKernels(lowered, profile);
    return {
      graph: lowered.graph,
      plan,
      kinds: kernels.kinds,
      codesKernel: (_, op) => codes.get(op) ?? null,
      splitAttention: (kind, id) => splitAttention(kind, id, plan.program.context),
      fuses: false,
      addsInOrder: false,
      argmax: kernels.argmax,
      run(kernel, row, scalars) {
        const { weights, state } = plan.table[row]!;
        const named: Record<string, number> = { state, ...scalars };
        weights.forEach((address, group) => {
          named[`w${group}`] = address;
        });
        interpret(kernel, image, named, order);
      },
      read: async (offset, bytes) => image.slice(offset, offset + bytes),
      write: (offset, words) => new Uint32Array(image, offset, words.length).set(words),
      async readState(row) {
        const { state, kind } = plan.table[row]!;
        return image.slice(state, state + plan.program.kinds[kind]!.stateBytes);
      },
      close: async () => {},
    };
  };
}

/** Workgroups along an axis. */
export function workgroups({ constant, position, count, per }: GpuExtent, scalars: Scalars): number {
  return Math.ceil((constant + position * scalars.position + count * scalars.count) / per);
}
