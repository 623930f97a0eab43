/** The same machine on a WebGPU device: real buffers, real shaders, one submit a kernel. */

import type { Kernel } from '@lamella/compiler/loops/ir';
import { lowerGpu } from '@lamella/compiler/pipeline';
import type { FormatName } from '@lamella/compiler/program/ir';
import { conservative, type GpuProfile } from '@lamella/compiler/schedule/gpu/profile';
import { resourceAt } from '@lamella/compiler/targets/webgpu/bind';
import { gpuLayout } from '@lamella/compiler/targets/webgpu/layout';
import { printShader, type Shader } from '@lamella/compiler/targets/webgpu/print';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import type { GpuBinding } from '@lamella/runtime/webgpu-manifest';
import { type GpuMachine, imageOf, workgroups } from './machine.ts';

const STORAGE = 0x80 | 0x08 | 0x04;
const UNIFORM = 0x40 | 0x80 | 0x08 | 0x04;

/** Compiles a graph for a device. Throws what the device says about a shader. */
export async function onDevice(
  device: GPUDevice,
  name: string,
  graph: Graph,
  weightOf: WeightOf,
  quant: FormatName,
  profile: GpuProfile = conservative,
): Promise<GpuMachine> {
  const lowered = lowerGpu(graph, { quant }, profile);
  const { plan, kernels } = lowered;
  const layout = gpuLayout(plan, profile, 8);
  const image = await imageOf(lowered, weightOf);
  const make = (size: number, usage = STORAGE) => device.createBuffer({ size: Math.max(16, size), usage });
  const step = make(16, UNIFORM);
  const memory = make(layout.memory);
  const constants = make(layout.constants);
  const history = make(layout.history);
  const weights = layout.weights.map((size) => make(size));
  const states = layout.states.map((size) => make(size));
  for (const { from, bytes, to } of layout.copies) {
    const data = new Uint8Array(image, plan.memory.weights.offset + from, bytes);
    device.queue.writeBuffer(to ? weights[to.buffer]! : constants, to?.offset ?? 0, data);
  }
  const bufferOf = (resource: string): GPUBuffer => {
    const found = { step, memory, constants, history }[resource];
    if (!found) throw new Error(`no buffer for ${resource}`);
    return found;
  };
  const entry = ({ resource, group, offset, bytes }: GpuBinding, row: number): GPUBufferBinding => {
    if (resource === 'weights') {
      const place = layout.rows[row]!.weights[group]!;
      return { buffer: weights[place.buffer]!, offset: place.offset + offset, size: bytes };
    }
    if (resource === 'state') {
      const place = layout.rows[row]!.state!;
      return { buffer: states[place.buffer]!, offset: place.offset + offset, size: bytes };
    }
    return { buffer: bufferOf(resource), offset, size: Math.max(16, bytes) };
  };
  const kindOf = new Map<Kernel, number>();
  kernels.kinds.forEach((k, i) => {
    for (const kernel of [...k.decode, ...k.prefill]) kindOf.set(kernel, i);
  });
  kindOf.set(kernels.argmax, kernels.kinds.length - 1);
  const pipelines = new Map<Kernel, { shader: Shader; pipeline: GPUComputePipeline }>();
  const errors: string[] = [];
  device.addEventListener('uncapturederror', (e) => errors.push((e as GPUUncapturedErrorEvent).error.message));
  for (const [kernel, kind] of kindOf) {
    const shader = printShader(kernel, plan, plan.program.kinds[kind]!, profile);
    const module = device.createShaderModule({ code: shader.code });
    const bad = (await module.getCompilationInfo()).messages.filter((m) => m.type !== 'info');
    if (bad.length)
      throw new Error(
        `${kernel.name}: ${bad.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`).join('\n')}\n${shader.code}`,
      );
    pipelines.set(kernel, {
      shader,
      pipeline: device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } }),
    });
  }
  const at = (address: number) => {
    const { resource, start } = resourceAt(plan, address);
    return { buffer: bufferOf(resource), offset: address - start };
  };
  return {
    name,
    lowered,
    run(kernel, row, scalars) {
      const { shader, pipeline } = pipelines.get(kernel)!;
      if (kernel.scalars.length)
        device.queue.writeBuffer(step, 0, Int32Array.of(scalars.position, scalars.count, scalars.row, 0));
      const group = device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: shader.bindings.map((b, binding) => ({ binding, resource: entry(b, row) })),
      });
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      const [x = 1, y = 1, z = 1] = shader.grid.map((e) => workgroups(e, scalars));
      pass.dispatchWorkgroups(x, y, z);
      pass.end();
      device.queue.submit([encoder.finish()]);
    },
    async read(offset, bytes) {
      const from = at(offset);
      const size = Math.ceil(bytes / 4) * 4;
      const staging = device.createBuffer({ size, usage: 0x01 | 0x08 });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(from.buffer, from.offset, staging, 0, size);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(1);
      const out = staging.getMappedRange().slice(0, bytes);
      staging.destroy();
      if (errors.length) throw new Error(errors.join('\n'));
      return out;
    },
    write(offset, words) {
      const to = at(offset);
      device.queue.writeBuffer(to.buffer, to.offset, words as Uint32Array<ArrayBuffer>);
    },
    close() {
      for (const buffer of [step, memory, constants, history, ...weights, ...states]) buffer.destroy();
    },
  };
}
