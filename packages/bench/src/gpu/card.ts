/**
 * The GPU of this machine, as Dawn sees it, and what it can do at best: how fast it reads memory, and how long one dispatch takes that waits
 * for the one before. Decoding is held against these two, measured in the same run and through the same WebGPU.
 */
import { provideWebGpu } from '@lamella/cli/open-package';
import { halves } from '@lamella/compiler/schedule/gpu/profile';
import { findAdapter, isSoftwareAdapter, nameOf, openDevice } from '@lamella/runtime/webgpu-device';

export interface Card {
  readonly name: string;
  /** Whether it is the CPU in disguise: then times say nothing. */
  readonly software: boolean;
  /** Whether it has `shader-f16`. */
  readonly halves: boolean;
}

/** Throws what says why there is none: L412 without Dawn, `Unusable` without an adapter. */
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
  /** Bytes read a second, streaming. */
  readonly bytesPerSecond: number;
  /** Seconds of a dispatch of one workgroup that changes what the one before it changed. */
  readonly dispatchSeconds: number;
}

/** Buffers that one dispatch reads: as many as WebGPU's default limits allow beside the one it writes, each as large as a binding may be. */
const READ = 7;
const LANES = 256;
const GROUPS = 4096;

/** Measures `bytes` of each buffer, for at least `seconds`. */
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

/** Every invocation adds up words that lie `GROUPS * LANES` vectors apart; the sums are kept, so that nothing is left out. */
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

/** Writes commands of one dispatch. */
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

/** Seconds of one dispatch: more and more of them in one submit, until that takes long enough for its start and end not to count. */
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
