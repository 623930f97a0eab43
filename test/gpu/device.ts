/**
 * A graph compiled for a GPU, on a WebGPU device in this process or in a page: real buffers, real
 * shaders, one submit per kernel.
 */
import type { Kernel } from '@lamella/compiler/loops/ir';
import { lowerGpu } from '@lamella/compiler/pipeline';
import { conservative, type GpuProfile } from '@lamella/compiler/schedule/gpu/profile';
import { splitAttention } from '@lamella/compiler/schedule/gpu/splits';
import { resourceAt } from '@lamella/compiler/targets/webgpu/bind';
import { gpuLayout } from '@lamella/compiler/targets/webgpu/layout';
import { printShader, type Shader } from '@lamella/compiler/targets/webgpu/print';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import { GPU_UNIFORM_WORDS, writeGpuStep } from '@lamella/runtime/step';
import type { GpuBinding, GpuResource } from '@lamella/runtime/webgpu-manifest';
import type { Machine, Setting } from '../conformance/machine.ts';
import type { Command, Executor, Setup } from './executor.ts';
import { codesKernels, imageOf, workgroups } from './machine.ts';

const STORAGE = 0x80 | 0x08 | 0x04;
const UNIFORM = 0x40 | 0x80 | 0x08 | 0x04;

/** Opens a model with executors from `execute`. */
export function onDevice(execute: (setup: Setup) => Promise<Executor>, profile: GpuProfile = conservative) {
  return async (graph: Graph, weightOf: WeightOf, setting: Setting): Promise<Machine> => {
    const lowered = lowerGpu(graph, setting, profile);
    const { plan, kernels } = lowered;
    const layout = gpuLayout(plan, profile, 8);
    const codes = codesKernels(lowered, profile);

    const sizes = [layout.memory, layout.constants, layout.history, ...layout.weights, ...layout.states];
    const buffers = [
      { size: layout.step, usage: UNIFORM },
      ...sizes.map((size) => ({ size: Math.max(16, size), usage: STORAGE })),
    ];
    const weightsAt = 4;
    const statesAt = weightsAt + layout.weights.length;
    const bufferOf = (resource: GpuResource): number => {
      const at = ['step', 'memory', 'constants', 'history'].indexOf(resource);
      if (at < 0) throw new Error(`${resource} belongs to rows`);
      return at;
    };
    const bind = ({ resource, group, offset, bytes }: GpuBinding, row: number) => {
      const { weights, state } = layout.rows[row]!;
      if (resource === 'weights') {
        const place = weights[group]!;
        return { buffer: weightsAt + place.buffer, offset: place.offset + offset, size: bytes };
      }
      if (resource === 'state')
        return { buffer: statesAt + state!.buffer, offset: state!.offset + offset, size: bytes };
      return { buffer: bufferOf(resource), offset, size: Math.max(16, bytes) };
    };

    const shaders = new Map<Kernel, Shader>();
    for (const { kind, decode, prefill } of kernels.kinds) {
      const own = kind.ops.flatMap((op) => codes.get(op)?.kernel ?? []);
      for (const kernel of [...decode, ...prefill, ...own])
        shaders.set(kernel, printShader(kernel, plan, kind, profile));
    }
    shaders.set(kernels.argmax, printShader(kernels.argmax, plan, plan.program.kinds.at(-1)!, profile));
    const numbers = new Map([...shaders.keys()].map((kernel, i) => [kernel, i]));
    const executor = await execute({
      buffers,
      shaders: [...shaders.values()].map(({ name, code }) => ({ name, code })),
    });

    let queued: Command[] = [];
    const flush = (): void => {
      executor.submit(queued);
      queued = [];
    };
    const write = (buffer: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void => {
      queued.push({ kind: 'write', buffer, offset, bytes });
    };
    const image = await imageOf(lowered, weightOf);
    for (const { from, bytes, to } of layout.copies) {
      const data = new Uint8Array(image, plan.memory.weights.offset + from, bytes);
      write(to ? weightsAt + to.buffer : bufferOf('constants'), to?.offset ?? 0, data);
    }
    flush();
    const at = (address: number) => {
      const { resource, start } = resourceAt(plan, address);
      return { buffer: bufferOf(resource), offset: address - start };
    };
    return {
      graph: lowered.graph,
      plan,
      kinds: kernels.kinds,
      codesKernel: (_, op) => codes.get(op) ?? null,
      splitAttention: (kind, id) => splitAttention(kind, id, plan.program.context),
      fuses: true,
      addsInOrder: false,
      argmax: kernels.argmax,
      run(kernel, row, scalars) {
        if (kernel.scalars.length > 0) {
          const words = new Uint32Array(GPU_UNIFORM_WORDS);
          writeGpuStep(words, { position: scalars.position, count: scalars.count, row: scalars.row });
          write(bufferOf('step'), 0, new Uint8Array(words.buffer));
        }
        const { bindings, grid } = shaders.get(kernel)!;
        const [x = 1, y = 1, z = 1] = grid.map((extent) => workgroups(extent, scalars));
        const bound = bindings.map((binding) => bind(binding, row));
        queued.push({ kind: 'run', shader: numbers.get(kernel)!, bound, grid: [x, y, z] });
      },
      read(offset, bytes) {
        flush();
        const from = at(offset);
        return executor.read(from.buffer, from.offset, bytes);
      },
      write(offset, words) {
        const to = at(offset);
        write(to.buffer, to.offset, new Uint8Array(words.slice().buffer));
      },
      readState(row) {
        flush();
        const { buffer, offset } = layout.rows[row]!.state!;
        return executor.read(statesAt + buffer, offset, plan.program.kinds[plan.table[row]!.kind]!.stateBytes);
      },
      close: () => executor.close(),
    };
  };
}
