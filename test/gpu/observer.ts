/**
 * A GPU whose devices are all observed: objects made, dispatches with their bindings, readbacks.
 */

/** A dispatch as the device received it. */
export interface Dispatched {
  readonly kernel: string;
  /** Bytes that it binds of buffers filled during loading (the weights), by parts. */
  readonly weightBytes: number;
}

export interface Observed {
  /** Calls by name, of all devices. */
  readonly calls: Map<string, number>;
  readonly dispatches: Dispatched[];
  /** Dispatches so far at each `mapAsync`. */
  readonly readbacks: number[];
}

/**
 * The channel of `observer-worker.ts`, its question, and its answer: the observations since the
 * last question.
 */
export const CHANNEL = 'observed';
export const QUESTION = 'what was seen?';
export type Told = Pick<Observed, 'dispatches' | 'readbacks'> & {
  readonly calls: readonly (readonly [string, number])[];
};

/** Replaces a method of one object by one that also reports its result and arguments. */
function watch<T extends object>(
  object: T,
  method: keyof T & string,
  told: (result: never, args: never) => void,
): void {
  const real = (object[method] as (...args: unknown[]) => unknown).bind(object);
  const value = (...args: unknown[]) => {
    const result = real(...args);
    told(result as never, args as never);
    return result;
  };
  Object.defineProperty(object, method, { value });
}

/** Puts an observed GPU at `navigator.gpu`. */
export function observe(gpu: GPU): Observed {
  const observed: Observed = { calls: new Map(), dispatches: [], readbacks: [] };
  const count = (name: string) => observed.calls.set(name, (observed.calls.get(name) ?? 0) + 1);
  const names = new WeakMap<GPUComputePipeline, string>();
  const weightBytes = new WeakMap<GPUBindGroup, number>();
  /** Buffers that were written in more than a step's words. */
  const filled = new WeakSet<GPUBuffer>();

  const watchPass = (pass: GPUComputePassEncoder): void => {
    let kernel = '';
    let bytes = 0;
    watch(pass, 'setPipeline', (_: undefined, [pipeline]: [GPUComputePipeline]) => {
      kernel = names.get(pipeline) ?? '';
    });
    watch(pass, 'setBindGroup', (_: undefined, [, group]: [number, GPUBindGroup]) => {
      bytes = weightBytes.get(group) ?? 0;
    });
    watch(pass, 'dispatchWorkgroups', () => observed.dispatches.push({ kernel, weightBytes: bytes }));
  };
  const watchDevice = (device: GPUDevice): void => {
    watch(device, 'createBuffer', (buffer: GPUBuffer) => {
      count('createBuffer');
      watch(buffer, 'mapAsync', () => observed.readbacks.push(observed.dispatches.length));
    });
    watch(device.queue, 'writeBuffer', (_: undefined, [buffer, , data]: [GPUBuffer, number, ArrayBufferView]) => {
      if (data.byteLength > 1024) filled.add(buffer);
    });
    watch(device, 'createBindGroup', (group: GPUBindGroup, [{ entries }]: [GPUBindGroupDescriptor]) => {
      count('createBindGroup');
      // tables of constants are bound whole, without a size
      const parts = [...entries].map(({ resource }) => resource as GPUBufferBinding);
      const weights = parts.filter(({ buffer, size }) => filled.has(buffer) && size !== undefined);
      weightBytes.set(
        group,
        weights.reduce((sum, { size }) => sum + size!, 0),
      );
    });
    watch(
      device,
      'createComputePipelineAsync',
      (made: Promise<GPUComputePipeline>, [{ label }]: [GPUComputePipelineDescriptor]) => {
        count('createComputePipelineAsync');
        void made.then((pipeline) => names.set(pipeline, label ?? ''));
      },
    );
    watch(device, 'createCommandEncoder', (encoder: GPUCommandEncoder) =>
      watch(encoder, 'beginComputePass', (pass: GPUComputePassEncoder) => watchPass(pass)),
    );
  };
  const watched = {
    requestAdapter: async () => {
      const adapter = await gpu.requestAdapter();
      if (!adapter) return null;
      return {
        info: adapter.info,
        features: adapter.features,
        limits: adapter.limits,
        requestDevice: async (descriptor?: GPUDeviceDescriptor) => {
          const device = await adapter.requestDevice(descriptor);
          watchDevice(device);
          return device;
        },
      };
    },
  };
  // Node 20 has no `navigator`.
  if (!globalThis.navigator) Object.defineProperty(globalThis, 'navigator', { value: {} });
  Object.defineProperty(navigator, 'gpu', { value: watched, configurable: true });
  return observed;
}

/** The dispatches of each token of a greedy text: those between two choices. */
export function byToken({ dispatches }: Observed): readonly (readonly Dispatched[])[] {
  const ends = dispatches.flatMap(({ kernel }, i) => (kernel.includes('argmax') ? [i] : []));
  return ends.slice(1).map((end, i) => dispatches.slice(ends[i]! + 1, end + 1));
}
