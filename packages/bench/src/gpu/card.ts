/**
 * The GPU of this machine, as Dawn reports it, and its best speeds: reading memory, and a dispatch
 * that waits for the previous one. Decoding is compared with these two, which are measured in the
 * same run and through the same WebGPU.
 */

import { halves } from '@lamella/compiler/schedule/gpu/profile';
import { findAdapter, isSoftwareAdapter, nameOf, openDevice } from '@lamella/runtime/webgpu-device';
import { provideWebGpu } from 'lamella/open-package';

export interface Card {
  readonly name: string;
  /** Whether it is a driver for the CPU, whose times mean nothing. */
  readonly software: boolean;
  /** Whether it has `shader-f16`. */
  readonly halves: boolean;
}

/** Throws the reason if there is none: L412 without Dawn, `Unusable` without an adapter. */
export async function findCard(): Promise<Card> {
  await provideWebGpu();
  const adapter = await findAdapter();
  return {
    name: nameOf(adapter),
    software: isSoftwareAdapter(adapter),
    halves: halves.needs.every((feature) => adapter.features.has(feature)),
  };
}

export interface Best {
  /** Bytes read per second, streaming. */
  readonly bytesPerSecond: number;
  /** Seconds of a dispatch of one workgroup that changes what the previous one changed. */
  readonly dispatchSeconds: number;
}

/**
 * Buffers that one dispatch reads: WebGPU's default limits allow this many in addition to the one
 * it writes. Each is as large as a binding may be.
 */
const READ = 7;
const LANES = 256;
const GROUPS = 4096;

/** Measures with `bytes` in each buffer, for at least `seconds`. */
export async function measureBest(bytes: number, seconds: number): Promise<Best> {
  const device = await openDevice(await findAdapter(), []);
  try {
    const reads = Array.from({ length: READ }, () =>
      device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE }),
    );
    const sums = device.createBuffer({ size: GROUPS * LANES * 4, usage: GPUBufferUsage.STORAGE });
    const reading = await dispatching(device, readShader(bytes), [...reads, sums], GROUPS);
    const counting = await dispatching(device, COUNT_SHADER, [sums], 1);
    return {
      bytesPerSecond: (READ * bytes) / (await secondsOf(device, reading, seconds)),
      dispatchSeconds: await secondsOf(device, counting, seconds),
    };
  } finally {
    device.destroy();
  }
}

/**
 * Every invocation adds words that are `GROUPS * LANES` vectors apart; the sums are stored, so that
 * no read is optimised away.
 */
function readShader(bytes: number): string {
  const each = Array.from({ length: READ }, (_, i) => i);
  return `${each.map((i) => `@group(0) @binding(${i}) var<storage, read> b${i}: array<vec4<u32>, ${bytes / 16}>;`).join('\n')}
@group(0) @binding(${READ}) var<storage, read_write> sums: array<u32, ${GROUPS * LANES}>;
@compute @workgroup_size(${LANES}, 1, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var sum = vec4<u32>();
  for (var i = id.x; i < ${bytes / 16}u; i += ${GROUPS * LANES}u) {
    sum += ${each.map((i) => `b${i}[i]`).join(' + ')};
  }
  sums[id.x] = sum.x + sum.y + sum.z + sum.w;
}`;
}

const COUNT_SHADER = `@group(0) @binding(0) var<storage, read_write> count: array<u32, ${GROUPS * LANES}>;
@compute @workgroup_size(${LANES}, 1, 1)
fn main(@builtin(local_invocation_id) id: vec3<u32>) {
  count[id.x] += 1u;
}`;

/** Encodes one dispatch. */
type Dispatch = (pass: GPUComputePassEncoder) => void;

async function dispatching(
  device: GPUDevice,
  code: string,
  buffers: readonly GPUBuffer[],
  workgroups: number,
): Promise<Dispatch> {
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups);
  };
}

/**
 * Seconds of one dispatch: the number of dispatches in a submit grows until its start and end no
 * longer matter.
 */
async function secondsOf(device: GPUDevice, dispatch: Dispatch, enough: number): Promise<number> {
  for (let count = 1; ; count *= 2) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < count; i++) dispatch(pass);
    pass.end();
    const commands = encoder.finish();
    const began = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    const seconds = (performance.now() - began) / 1000;
    if (seconds >= enough) return seconds / count;
  }
}
