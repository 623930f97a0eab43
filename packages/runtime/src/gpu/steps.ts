/**
 * The steps of a GPU: kernels for the rows of the execution table, with pipelines and bind groups
 * made at load. Running a step only writes its commands; the numbers of workgroups follow from
 * position and count.
 */
import type { Manifest } from '../manifest/manifest.ts';
import type { GpuExtent, GpuTarget } from '../manifest/webgpu-manifest.ts';
import type { GpuBuffers } from './buffers.ts';

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: readonly GpuExtent[];
}

export interface GpuSteps {
  /** All rows but the last: for one token, and for a tile. */
  readonly decode: readonly Dispatch[];
  readonly prefill: readonly Dispatch[];
  /** The last row: norm and logits of one token. */
  readonly head: readonly Dispatch[];
  /** Kernels after the head: a choice, which advances the step, or a list of candidates. */
  readonly argmax: readonly Dispatch[];
  readonly draw: readonly Dispatch[];
  readonly candidates: readonly Dispatch[];
}

/**
 * Compiles every shader. `code` is the package's file, with the shaders by name. Rejects with the
 * device's error.
 */
export async function makeSteps(
  device: GPUDevice,
  buffers: GpuBuffers,
  target: GpuTarget,
  table: Manifest['table'],
  code: string,
): Promise<GpuSteps> {
  const texts = new Map(code.split(/^\/\/\/\/ /m).map((part) => [part.slice(0, part.indexOf('\n')), part] as const));
  const pipelines = await Promise.all(
    target.kernels.map(({ name }) => {
      const text = texts.get(name) ?? '';
      const module = device.createShaderModule({ label: name, code: text.slice(text.indexOf('\n')) });
      return device.createComputePipelineAsync({
        label: name,
        layout: 'auto',
        compute: { module, entryPoint: 'main' },
      });
    }),
  );
  const dispatch = (kernel: number, row: number): Dispatch => {
    const { grid, bindings } = target.kernels[kernel]!;
    const pipeline = pipelines[kernel]!;
    const entries = bindings.map((b, binding) => ({ binding, resource: buffers.binding(b, row) }));
    return { pipeline, grid, group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) };
  };
  const last = table.length - 1;
  const rows = (lowering: 'decode' | 'prefill'): Dispatch[] =>
    table.slice(0, last).flatMap(({ kind }, row) => target.kinds[kind]![lowering].map((k) => dispatch(k, row)));
  return {
    decode: rows('decode'),
    prefill: rows('prefill'),
    head: target.kinds[table[last]!.kind]!.decode.map((k) => dispatch(k, last)),
    argmax: [dispatch(target.argmax, last)],
    draw: [dispatch(target.draw, last)],
    candidates: [dispatch(target.candidates.kernel, last)],
  };
}

/** Writes the commands of a step that starts at `position` with `count` tokens. */
export function encode(
  pass: GPUComputePassEncoder,
  dispatches: readonly Dispatch[],
  position: number,
  count: number,
): void {
  for (const { pipeline, group, grid } of dispatches) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    const [x, y, z] = grid;
    pass.dispatchWorkgroups(
      workgroups(x, position, count),
      workgroups(y, position, count),
      workgroups(z, position, count),
    );
  }
}

function workgroups(extent: GpuExtent | undefined, position: number, count: number): number {
  if (!extent) return 1;
  return Math.ceil((extent.constant + extent.position * position + extent.count * count) / extent.per);
}
